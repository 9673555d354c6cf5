"""Secrets as files: one directory for each Secret, one file for each key.

Read when needed and never kept: a rotated Secret counts from the next log-in on.
"""

from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason


class Secrets:
    """The directory under which Secrets are mounted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, secret: str, key: str) -> Path:
        """Tell the file of a key that must exist.

        Raises:
            ReadError: credentials_missing, naming the file that is not there.
        """
        path = self._directory / secret / key
        if not path.is_file():
            raise ReadError(Reason.CREDENTIALS_MISSING, f"there is no file {path}")
        return path

    def read(self, secret: str | None, key: str) -> bytes:
        """Read one key, without the newline that editors leave at its end.

        Raises:
            ReadError: credentials_missing, naming the file or the setting that is not there.
        """
        if secret is None:
            raise ReadError(
                Reason.CREDENTIALS_MISSING, f"no credentials.secretRef says where {key} is"
            )
        try:
            return self.path(secret, key).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise ReadError(
                Reason.CREDENTIALS_MISSING,
                f"{self._directory / secret / key}: {error.strerror}",
            ) from None
