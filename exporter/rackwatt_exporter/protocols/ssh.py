"""Commands on another host, through the system's OpenSSH client.

No second ssh implementation: the client that administrators know, harden and configure. One login
is kept by its ControlMaster, so that a command costs a short-lived child and no key exchange. Host
keys are always checked, nothing is ever asked, and the remote shell sees quoted words only.
"""

import os
import secrets
import shlex
from asyncio import timeout
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rackwatt_exporter.protocols.child import Finished, run_child
from rackwatt_exporter.reading import ReadError, Reason

PERSIST_S = 300
CLOSE_TIMEOUT_S = 0.8
SSH_FAILED = 255

FixedFile = Callable[[], Path]

# What OpenSSH says on stderr when it gives up itself (its exit status is 255), and what that means.
FAILURES = (
    ("host key verification failed", Reason.HOST_KEY_FAILED),
    ("host identification has changed", Reason.HOST_KEY_FAILED),
    ("host key is known for", Reason.HOST_KEY_FAILED),
    ("could not resolve hostname", Reason.NAME_UNRESOLVED),
    ("permission denied", Reason.AUTH_FAILED),
    ("too many authentication failures", Reason.AUTH_FAILED),
    ("connection refused", Reason.REFUSED),
    ("timed out", Reason.TIMEOUT),
    ("no route to host", Reason.UNREACHABLE),
    ("network is unreachable", Reason.UNREACHABLE),
    ("unable to negotiate", Reason.CIPHER_UNSUPPORTED),
    ("banner", Reason.BAD_REPLY),
    ("connection closed", Reason.REFUSED),
    ("connection reset", Reason.REFUSED),
)
HINTS = {
    Reason.HOST_KEY_FAILED: "the host's key is not the one in known_hosts",
    Reason.AUTH_FAILED: "the host does not accept this user with this key",
}


class SshHost:
    """One host and the login kept to it. Whoever holds it never runs two commands at once.

    `key_file` and `known_hosts` are asked for at each command, so that a rotated file counts from
    the next login on; None leaves both to ssh's own configuration, and the host key still must be
    known. `control_directory` is private (0700) and its path short: it holds a Unix socket.
    """

    def __init__(
        self,
        host: str,
        *,
        port: int = 22,
        user: str | None = None,
        key_file: FixedFile | None = None,
        known_hosts: FixedFile | None = None,
        control_directory: Path,
    ) -> None:
        self._host = host
        self._login = ("-p", str(port), *(("-l", user) if user else ()))
        self._key_file = key_file
        self._known_hosts = known_hosts
        self._socket = control_directory / secrets.token_hex(6)
        self._suspect = False

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command in the C locale and give what it printed on stdout.

        Raises:
            ReadError: host_key_failed, auth_failed, refused, timeout, name_unresolved,
                unreachable, cipher_unsupported, bad_reply, credentials_missing; command_failed
                with the first line of stderr when the command itself did not end well.
        """
        options = [*self._options(timeout_s)]
        if self._suspect:
            await self._end_master()
        # Until the command has ended well, the kept connection may be one that leads nowhere.
        self._suspect = True
        try:
            async with timeout(timeout_s):
                remote = shlex.join(("env", "LC_ALL=C", *argv))
                finished = await run_child(("ssh", *options, "--", self._host, remote))
        except TimeoutError:
            raise ReadError(
                Reason.TIMEOUT, f"{argv[0]} had not ended after {timeout_s} s"
            ) from None
        except OSError as error:
            raise ReadError(Reason.COMMAND_FAILED, f"ssh: {error.strerror}") from None
        except ValueError as error:
            raise ReadError(Reason.BAD_REPLY, str(error)) from None
        self._suspect = finished.code == SSH_FAILED
        if finished.code:
            raise _failure(finished, argv)
        return finished.output

    async def close(self) -> None:
        """End the kept login, and leave no file behind."""
        try:
            with suppress(TimeoutError, OSError):
                async with timeout(CLOSE_TIMEOUT_S):
                    await self._end_master()
        finally:
            self._copied_key.unlink(missing_ok=True)

    async def _ssh(self, argv: Sequence[str], timeout_s: float) -> Finished:
        if self._suspect:
            await self._end_master()
        # Until a command has come to its end, the kept connection may be one that leads nowhere.
        self._suspect = True
        remote = shlex.join(("env", "LC_ALL=C", *argv))
        finished = await run_child(("ssh", *self._options(timeout_s), "--", self._host, remote))
        self._suspect = finished.code == SSH_FAILED
        return finished

    @property
    def _copied_key(self) -> Path:
        return self._socket.with_suffix(".key")

    async def _end_master(self) -> None:
        if self._socket.exists():
            control = ("-o", f"ControlPath={_plain(self._socket)}")
            await run_child(("ssh", *control, "-O", "exit", "--", self._host))
            self._socket.unlink(missing_ok=True)
        self._suspect = False

    def _options(self, timeout_s: float) -> Iterator[str]:
        yield from ("-T", "-n", "-x", "-a", *self._login)
        for name, value in (
            ("BatchMode", "yes"),
            ("StrictHostKeyChecking", "yes"),
            ("UpdateHostKeys", "no"),
            # Shorter than the deadline, so that it is known which of login and command was slow.
            ("ConnectTimeout", str(max(1, int(timeout_s * 0.8)))),
            ("ServerAliveInterval", "15"),
            ("ControlMaster", "auto"),
            ("ControlPath", _plain(self._socket)),
            ("ControlPersist", str(PERSIST_S)),
            ("ClearAllForwardings", "yes"),
            ("PermitLocalCommand", "no"),
            ("RemoteCommand", "none"),
            ("LogLevel", "ERROR"),
        ):
            yield from ("-o", f"{name}={value}")
        if self._key_file:
            key = self._private(self._key_file())
            yield from ("-o", "IdentitiesOnly=yes", "-o", f"IdentityFile={_plain(key)}")
        if self._known_hosts:
            known = _plain(self._known_hosts())
            yield from ("-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=/dev/null")

    def _private(self, key: Path) -> Path:
        """Give a file that ssh accepts: it refuses a key of one's own that others may read.

        Secrets are often mounted so, and read-only: then ssh gets a copy in the private directory.
        """
        status = key.stat()
        if status.st_uid != os.getuid() or not status.st_mode & 0o077:
            return key
        descriptor = os.open(self._copied_key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as copy:
            copy.write(key.read_bytes())
        return self._copied_key


def _plain(path: Path) -> str:
    """Quote a path for ssh's configuration, where blanks separate and % begins a token."""
    return '"' + str(path).replace("%", "%%") + '"'


def _failure(finished: Finished, argv: Sequence[str]) -> ReadError:
    said = finished.errors.decode("utf-8", "replace")
    if finished.code == SSH_FAILED:
        for phrase, reason in FAILURES:
            if phrase in said.lower():
                return ReadError(reason, HINTS.get(reason) or f"ssh: {_last_line(said)}")
    return ReadError(
        Reason.COMMAND_FAILED, f"{argv[0]} ended with status {finished.code}: {_first_line(said)}"
    )


def _first_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return _printable(lines[0]) if lines else "it said nothing"


def _last_line(said: str) -> str:
    return _printable(said.strip().splitlines()[-1])


def _printable(line: str) -> str:
    return "".join(c for c in line.strip() if c.isprintable())[:200]
