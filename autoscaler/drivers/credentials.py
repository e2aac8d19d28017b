"""Who asks another system, and whom we trust there: read from the environment and from files at each question.

A certificate is loaded again where one of its files has changed. Nothing read here is ever told: names and paths only.
Files are read on a thread of its own, one at a time: a disk that hangs holds up one metric, and takes one thread.
"""

import base64
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoscaler.drivers.threads import run_alone
from autoscaler.errors import SourceError
from autoscaler.spec.models import Auth, Secret, Tls

LONGEST_SECRET = 16 * 1024

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Who:
    """The Authorization header and the TLS settings, None where there are none of one's own."""

    authorization: str | None = None
    tls: ssl.SSLContext | None = None


class Credentials:
    """Those of one metric; `folder` is what paths are relative to."""

    def __init__(self, auth: Auth | None, tls: Tls | None, folder: str, environ: Mapping[str, str]) -> None:
        self._auth = auth
        self._tls = tls
        self._folder = folder
        self._environ = environ
        self._loaded: tuple[Stamp, ssl.SSLContext] | None = None
        self._one_at_a_time = threading.Lock()

    async def read(self) -> Who:
        """Those of now. Raises SourceError."""
        if self._auth is None and self._tls is None:
            return Who()
        return await run_alone(self._read, "credentials")

    def _read(self) -> Who:
        if not self._one_at_a_time.acquire(blocking=False):
            raise SourceError("its credentials are still being read", fix="does the disk answer that they are on?")
        try:
            return Who(self._authorization(), self._context())
        finally:
            self._one_at_a_time.release()

    def _authorization(self) -> str | None:
        auth = self._auth
        if auth is None:
            return None
        if auth.bearer_token is not None:
            return f"Bearer {self._secret(auth.bearer_token, 'auth.bearer_token')}"
        password = self._secret(auth.password, "auth.password") if auth.password is not None else ""
        pair = f"{auth.username}:{password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _secret(self, secret: Secret, key: str) -> str:
        if secret.env is not None:
            if secret.env not in self._environ:
                raise SourceError(f"{key}: {secret.env} is not set", fix="set it in the daemon's environment")
            value = self._environ[secret.env]
        else:
            value = self._text(self._path(secret.file or ""), key)
        if not value or not value.isprintable():
            raise SourceError(f"{key}: is empty, or has characters that no header can", fix="give the secret alone")
        return value

    def _text(self, path: Path, key: str) -> str:
        try:
            with path.open(encoding="utf-8") as file:
                return file.read(LONGEST_SECRET).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SourceError(f"{key}: {path} can't be read: {why}", fix="correct the path or its mode") from None

    def _context(self) -> ssl.SSLContext | None:
        if self._tls is None:
            return None
        stamp = self._stamp(self._tls)
        if self._loaded is None or self._loaded[0] != stamp:
            self._loaded = stamp, self._load(self._tls)
        return self._loaded[1]

    def _stamp(self, tls: Tls) -> Stamp:
        stamps = []
        for key, file in (("ca_file", tls.ca_file), ("cert_file", tls.cert_file), ("key_file", tls.key_file)):
            if file is not None:
                path = self._path(file)
                try:
                    about = path.stat()
                except OSError as error:
                    raise SourceError(f"tls.{key}: {path}: {error.strerror}", fix="correct the path or its mode") from None
                stamps.append((str(path), about.st_ino, about.st_size, about.st_mtime_ns))
        return tuple(stamps)

    def _load(self, tls: Tls) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=None if tls.ca_file is None else self._path(tls.ca_file))
            if tls.insecure_skip_verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if tls.cert_file is not None:
                key = None if tls.key_file is None else self._path(tls.key_file)
                context.load_cert_chain(self._path(tls.cert_file), key, password="")  # else a terminal is asked for it
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "no PEM"
            fix = "give PEM files, and a key without a password that belongs to the certificate"
            raise SourceError(f"tls: a file can't be used: {why}", fix=fix) from None
        return context

    def _path(self, file: str) -> Path:
        return Path(self._folder, file)
