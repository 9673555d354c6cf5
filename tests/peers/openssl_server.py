"""Start `openssl s_server`: TLS as old devices have it, whatever this machine's settings forbid."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = "127.0.0.1"
ALLOW_ALL = ("-cipher", "ALL:@SECLEVEL=0")


class Certificates:
    """An authority, and certificates for ADDRESS by it: `{name}.pem`, with key `{name}.key`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = directory / "ca.pem"
        subject = ("-nodes", "-days", "2", "-subj", "/CN=authority")
        _openssl(directory, "req", "-x509", *_new("ca", 2048), *subject, "-out", "ca.pem")
        (directory / "extension").write_text(f"subjectAltName=IP:{ADDRESS}")
        self._issue("server", 2048, "-sha256")
        self._issue("sha1", 2048, "-sha1")
        self._issue("short", 1024, "-sha256")
        self.small_group = directory / "dh1024"
        _openssl(directory, "dhparam", "-dsaparam", "-out", self.small_group, "1024")

    def of(self, name: str) -> tuple[str, ...]:
        """Return the flags by which a server presents a certificate."""
        return "-cert", f"{name}.pem", "-key", f"{name}.key", "-CAfile", "ca.pem"

    def _issue(self, name: str, bits: int, digest: str) -> None:
        _openssl(
            self.directory, "req", *_new(name, bits), "-nodes", "-subj", "/CN=bmc", "-out", "csr"
        )  # fmt: skip
        _openssl(
            self.directory, "x509", "-req", digest, "-in", "csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extension",
            "-out", f"{name}.pem",
        )  # fmt: skip


@contextmanager
def openssl_server(certificates: Certificates, *flags: str) -> Iterator[int]:
    """Serve a page over TLS until the block ends, and give the port."""
    command = ("openssl", "s_server", "-accept", f"{ADDRESS}:0", "-www", *flags)
    process = subprocess.Popen(
        command,
        cwd=certificates.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _port(process)
    finally:
        process.kill()
        process.communicate()


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("ACCEPT"):
            return int(line.rsplit(":", 1)[1])
    raise RuntimeError("".join(seen))


def _new(name: str, bits: int) -> tuple[str, ...]:
    return "-newkey", f"rsa:{bits}", "-keyout", f"{name}.key"


def _openssl(directory: Path, *arguments: str | Path) -> None:
    subprocess.run(
        ("openssl", *map(str, arguments)), cwd=directory, check=True, capture_output=True
    )
