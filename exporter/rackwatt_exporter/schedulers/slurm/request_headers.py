"""Headers of authentication for Slurm by HTTP, and for a gateway before it."""

import time
from collections.abc import Mapping

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.auth import TokenTimes, expired, first_to_expire, token
from rackwatt_exporter.schedulers.slurm.options import HeaderOptions, SlurmHttpOptions


class RequestHeaders:
    """Token, user and the document's own headers; a rotated Secret counts from the next request.

    `token_times` are those of the token that was given last: of several, as where a gateway before
    slurmrestd has one of its own in a header, of the one that expires first.
    """

    def __init__(self, options: SlurmHttpOptions, secrets: Secrets) -> None:
        self._user = options.user
        self._token = token(options, secrets)
        self._more = options.headers
        self._secrets = secrets
        self.token_times = TokenTimes()

    @property
    def authenticate(self) -> bool:
        """Whether they say who asks."""
        return self._token is not None or bool(self._more)

    def get(self) -> Mapping[str, str]:
        """Give all of them.

        Raises:
            ReadError: credentials_missing.
        """
        headers = {header.name: self._value(header) for header in self._more}
        # A scheme such as Bearer comes before the token.
        given = [value.rpartition(" ")[2] for value in headers.values()]
        if self._token is not None:
            headers["X-SLURM-USER-TOKEN"] = own = self._token.get()
            given.append(own)
        self.token_times = first_to_expire(given)
        if self._user:
            headers["X-SLURM-USER-NAME"] = self._user
        return headers

    def refused(self, error: ReadError) -> ReadError:
        """Record that they were refused; return the error, with what is known of the token."""
        if self._token is not None:
            self._token.invalidate()
        return expired(error, self.token_times, time.time())

    def _value(self, header: HeaderOptions) -> str:
        if header.secret is None:
            return header.value or ""
        value = self._secrets.read(header.secret.secret, header.secret.key).strip()
        if not all(0x20 <= byte < 0x7F for byte in value):
            message = (
                f"{header.secret.key} of secret {header.secret.secret} is no value of a header: "
                "it must be one line of printable ASCII"
            )
            raise ReadError(Reason.CREDENTIALS_MISSING, message)
        return value.decode()
