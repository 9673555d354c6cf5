"""Secrets as files: one directory for each Secret, one file for each key.

Read when needed and never kept: a rotated Secret counts from the next log-in on. In Kubernetes a
Secret that is not there is a mounted directory without a file, and fills as soon as it is.
"""

from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason


class MissingSecretError(ReadError):
    """A Secret or a key in it that is not there: names alone, for the status to list."""

    def __init__(self, secret: str, key: str, path: Path) -> None:
        told = f"Secret {secret} is missing, or has no key {key} (there is no file {path})"
        super().__init__(Reason.CREDENTIALS_MISSING, told)
        self.secret, self.key = secret, key


Fingerprint = frozenset[tuple[str, int, int]]


class Secrets:
    """The directory under which Secrets are mounted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fingerprint(self) -> Fingerprint:
        """Tell the present state of all files: equal ones mean that nothing has changed.

        Kubernetes replaces what each name links to, all keys of a Secret at once.
        """
        marks = set()
        for file in self._directory.glob("[!.]*/[!.]*"):
            try:
                found = file.stat()
            except OSError:
                continue
            marks.add((str(file), found.st_mtime_ns, found.st_ino))
        return frozenset(marks)

    def path(self, secret: str, key: str) -> Path:
        """Tell the file of a key that must exist.

        Raises:
            ReadError: credentials_missing, naming Secret, key and the file that is not there.
        """
        path = self._directory / secret / key
        if not path.is_file():
            raise MissingSecretError(secret, key, path)
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
        path = self.path(secret, key)
        try:
            return path.read_bytes().rstrip(b"\r\n")
        except FileNotFoundError:  # gone since we looked
            raise MissingSecretError(secret, key, path) from None
        except OSError as error:
            told = f"Secret {secret}, key {key}: {path}: {error.strerror}"
            raise ReadError(Reason.CREDENTIALS_MISSING, told) from None
