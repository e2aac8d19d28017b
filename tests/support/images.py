"""Base images made on this host, where no registry can be reached: a static busybox and nothing else, in a second."""

import contextlib
import io
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import docker

APPLETS = ("cat", "dd", "echo", "env", "head", "httpd", "id", "kill", "ls", "mkdir", "nc", "sh", "sleep", "touch", "wget")
PORT = 8080
SERVE = ("httpd", "-f", "-p", str(PORT), "-h", "/www")


@contextlib.contextmanager
def busybox_image(tag: str, changes: Sequence[str] = ()) -> Iterator[str]:
    """An image of that tag with a shell and a web server on port 8080; gone with the context. Answers its id."""
    client = docker.from_env(timeout=30).api
    repository, _, version = tag.rpartition(":")
    commands = [f"CMD {list(SERVE)}".replace("'", '"'), f"EXPOSE {PORT}", *changes]
    client.import_image_from_data(root_file_system(), repository=repository, tag=version, changes=commands)
    try:
        yield str(client.inspect_image(tag)["Id"])  # type: ignore[no-untyped-call]
    finally:
        client.remove_image(tag, force=True)
        client.close()


def root_file_system() -> bytes:
    """A tar of /bin/busybox under the names of its applets, and /www/index.html."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(static_busybox(), "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name, text in {"www/index.html": b"hello\n", "etc/passwd": b"root:x:0:0::/:/bin/sh\n"}.items():
            file = tarfile.TarInfo(name)
            file.size = len(text)
            tar.addfile(file, io.BytesIO(text))
    return out.getvalue()


def static_busybox() -> Path:
    """Debian's busybox-static."""
    found = shutil.which("busybox")
    if found is None:
        raise FileNotFoundError("no busybox on PATH: install Debian's busybox-static")
    return Path(found).resolve()
