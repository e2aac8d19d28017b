"""Who asks: read anew each time, never told, and one clear error where it can't be had."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from autoscaler.drivers.credentials import Credentials
from autoscaler.errors import SourceError
from autoscaler.spec.models import Auth, Secret, Tls
from tests.support.certificates import certificates, openssl

ENVIRON = {"TOKEN": "hunter2", "EMPTY": "", "BROKEN": "hunter2\r\nX-Evil: 1"}


def of(auth: Auth | None = None, tls: Tls | None = None, folder: Path = Path()) -> Credentials:
    return Credentials(auth, tls, str(folder), ENVIRON)


def token(**secret: str) -> Auth:
    return Auth(bearer_token=Secret(**secret))


async def test_nobody_asks() -> None:
    who = await of().read()
    assert (who.authorization, who.tls) == (None, None)


async def test_a_token_and_a_user() -> None:
    assert (await of(token(env="TOKEN")).read()).authorization == "Bearer hunter2"
    user = Auth(username="scaler", password=Secret(env="TOKEN"))
    assert (await of(user).read()).authorization == "Basic c2NhbGVyOmh1bnRlcjI="


async def test_a_file_that_changes_counts_at_once(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    credentials = of(token(file="token"), folder=tmp_path)
    assert (await credentials.read()).authorization == "Bearer one"
    (tmp_path / "token").write_text("two")
    assert (await credentials.read()).authorization == "Bearer two"


@pytest.mark.parametrize(
    ("auth", "what"),
    [
        (token(env="UNSET"), "auth.bearer_token: UNSET is not set"),
        (token(env="EMPTY"), "auth.bearer_token: is empty, or has characters that no header can"),
        (token(env="BROKEN"), "auth.bearer_token: is empty, or has characters that no header can"),
        (token(file="none"), "auth.bearer_token: HERE/none can't be read: No such file or directory"),
        (token(file="latin"), "auth.bearer_token: HERE/latin can't be read: it is not UTF-8"),
        (Auth(username="me", password=Secret(file="none")), "auth.password: HERE/none can't be read: "),
    ],
)
async def test_a_secret_that_cannot_be_had(tmp_path: Path, auth: Auth, what: str) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(SourceError) as caught:
        await of(auth, folder=tmp_path).read()
    assert caught.value.what.startswith(what.replace("HERE", str(tmp_path)))
    assert caught.value.fix
    assert "hunter2" not in str(caught.value)


async def test_certificates_are_loaded_again_when_their_file_changes(tmp_path: Path) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    credentials = of(tls=Tls(ca_file="ca.pem", cert_file="cert.pem", key_file="key.pem"), folder=tmp_path)
    first = (await credentials.read()).tls
    assert first is not None
    assert (await credentials.read()).tls is first
    os.replace(tmp_path / "cert.pem", tmp_path / "old.pem")
    (tmp_path / "cert.pem").write_bytes((tmp_path / "old.pem").read_bytes())
    again = (await credentials.read()).tls
    assert again is not None
    assert again is not first


@pytest.mark.parametrize(
    ("tls", "what"),
    [
        (Tls(ca_file="none.pem"), "tls.ca_file: HERE/none.pem: No such file or directory"),
        (Tls(ca_file="garbage.pem"), "tls: a file can't be used: "),
        (Tls(cert_file="cert.pem", key_file="ca.key"), "tls: a file can't be used: KEY_VALUES_MISMATCH"),
        (Tls(cert_file="cert.pem", key_file="locked.pem"), "tls: a file can't be used: "),
    ],
    ids=["no file", "garbage", "another's key", "a key with a password"],
)
async def test_a_certificate_that_cannot_be_used(tmp_path: Path, tls: Tls, what: str) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    (tmp_path / "garbage.pem").write_text("garbage")
    await asyncio.to_thread(_lock, tmp_path)
    with pytest.raises(SourceError) as caught:
        await of(tls=tls, folder=tmp_path).read()
    assert caught.value.what.startswith(what.replace("HERE", str(tmp_path)))
    assert caught.value.fix


def _lock(folder: Path) -> None:
    openssl(folder, "rsa", "-aes128", "-passout", "pass:secret", "-in", "key.pem", "-out", "locked.pem")


async def test_a_disk_that_hangs_takes_one_thread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token")
    credentials = of(token(file="token"), folder=tmp_path)
    before = threading.active_count()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await credentials.read()
    for _ in range(3):
        with pytest.raises(SourceError, match="still being read"):
            await credentials.read()
    assert threading.active_count() == before + 1
    await asyncio.to_thread((tmp_path / "token").write_text, "one")
    async with asyncio.timeout(10):
        while threading.active_count() > before + 1:  # to_thread's own stays
            await asyncio.sleep(0.01)
