"""Secrets as files: a directory for each Secret, a file for each key.

The exporter reads them when needed and does not cache them, so that the next log-in uses a rotated
Secret. In Kubernetes a missing Secret is an empty mounted directory, which fills once the Secret
exists.
"""

import base64
import re
from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason


class MissingSecretError(ReadError):
    """A missing Secret or key; the status page lists the names."""

    def __init__(self, secret: str, key: str, path: Path) -> None:
        message = f"Secret {secret} is missing, or has no key {key} (there is no file {path})"
        super().__init__(Reason.CREDENTIALS_MISSING, message)
        self.secret, self.key = secret, key


_TOKEN = re.compile(rb"[!-~]+")

Fingerprint = frozenset[tuple[str, int, int]]


class Secrets:
    """The directory under which Secrets are mounted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fingerprint(self) -> Fingerprint:
        """Return the current state of all files; equal ones mean that nothing has changed.

        Kubernetes replaces the target of each link, for all keys of a Secret at once.
        """
        marks = set()
        for file in self._directory.glob("[!.]*/[!.]*"):
            try:
                status = file.stat()
            except OSError:
                continue
            marks.add((str(file), status.st_mtime_ns, status.st_ino))
        return frozenset(marks)

    def path(self, secret: str, key: str) -> Path:
        """Return the file of a required key.

        Raises:
            ReadError: credentials_missing, with the Secret, the key and the missing file.
        """
        path = self._directory / secret / key
        if not path.is_file():
            raise MissingSecretError(secret, key, path)
        return path

    def read(self, secret: str | None, key: str) -> bytes:
        """Read a key, without the final newline that editors add.

        Raises:
            ReadError: credentials_missing, with the missing file or setting.
        """
        if secret is None:
            raise ReadError(
                Reason.CREDENTIALS_MISSING,
                f"credentials.secretRef is missing: it names the Secret with {key}",
            )
        path = self.path(secret, key)
        try:
            return path.read_bytes().rstrip(b"\r\n")
        except FileNotFoundError:  # deleted since the check
            raise MissingSecretError(secret, key, path) from None
        except OSError as error:
            message = f"Secret {secret}, key {key}: {path}: {error.strerror}"
            raise ReadError(Reason.CREDENTIALS_MISSING, message) from None


def basic_authorization(secrets: Secrets, secret: str) -> dict[str, str]:
    """Return the header of a log-in by `username` and `password` (RFC 7617).

    Raises:
        ReadError: credentials_missing, where the Secret lacks one of them.
    """
    pair = b":".join(secrets.read(secret, key) for key in ("username", "password"))
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def authorization(secrets: Secrets, secret: str) -> dict[str, str]:
    """Return the header of a log-in by the bearer `token` of a Secret that has one (RFC 6750).

    Otherwise by `username` and `password`.

    Raises:
        ReadError: credentials_missing, where the Secret has neither, or a token that no header can
            have.
    """
    try:
        token = secrets.read(secret, "token")
    except MissingSecretError:
        return basic_authorization(secrets, secret)
    if not _TOKEN.fullmatch(token):
        message = f"Secret {secret}, key token: it is empty, or has characters that no token has"
        raise ReadError(Reason.CREDENTIALS_MISSING, message)
    return {"Authorization": f"Bearer {token.decode()}"}
