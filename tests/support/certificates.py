"""A certificate authority of a test's own."""

import subprocess
from pathlib import Path


def openssl(folder: Path, *arguments: str) -> None:
    """Run it there."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path) -> None:
    """A CA (`ca.pem`), and one certificate by it for both ends (`cert.pem`, `key.pem`)."""
    subject = ("-subj", "/CN=test", "-days", "2")
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", *subject)
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=test")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ("-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2", "-out", "cert.pem")
    openssl(folder, "x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", *signed)
