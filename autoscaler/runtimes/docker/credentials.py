"""Registry credentials as `docker` has them: config.json's `auths`, `credHelpers` and `credsStore`, read at each pull."""

from collections.abc import Mapping

from docker import auth
from docker.errors import DockerException

from autoscaler.drivers.docker_endpoint import config_folder
from autoscaler.errors import ImageError

HEADER = "X-Registry-Auth"


def registry_of(image: str) -> str:
    """The registry that an image name means: `docker.io` where it names none."""
    try:
        return auth.resolve_repository_name(image)[0]
    except DockerException as error:
        raise ImageError(str(error), where=f"image {image}", fix="write it as REGISTRY/NAME:TAG") from None


def auth_headers(image: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What the engine needs to be let in at the image's registry; nothing where `docker login` wasn't done."""
    registry = registry_of(image)
    config = config_folder(environ) / "config.json"
    if not config.is_file():
        return {}
    try:
        known = auth.load_config(str(config), credstore_env=dict(environ))
        entry = auth.resolve_authconfig(known, registry, credstore_env=dict(environ))
    except (DockerException, ValueError, KeyError, OSError) as error:
        # Not the error's own text where it is a ValueError: it may quote what it could not decode.
        reason = str(error) if isinstance(error, DockerException) else "it can't be read"
        what = f"credentials for {registry}: {reason}"
        raise ImageError(what, where=str(config), fix=f"run `docker login {registry}`") from None
    return {HEADER: auth.encode_header(entry).decode("ascii")} if entry else {}
