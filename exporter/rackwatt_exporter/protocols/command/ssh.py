"""Commands on another host, through the system's OpenSSH client.

No second ssh implementation: the client that administrators know, harden and configure. One login
is kept by a control master, so that a command costs a short-lived child and no key exchange. The
master is our own child in the foreground: one that detaches itself (ControlPersist) would outlive
a killed exporter, and leave a zombie where the exporter is the first process of its container.
Host keys are always checked, nothing is ever asked, and the remote shell sees quoted words only.
Our own environment stays here; of the remote one, which a login shell made, `without` is removed.
"""

import asyncio
import os
import secrets
import shlex
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from rackwatt_exporter.protocols.command.process import (
    CompletedProcess,
    OverdueError,
    command_failed,
    command_overdue,
    environment,
    one_line,
    run_process,
)
from rackwatt_exporter.reading import ReadError, Reason

CLOSE_TIMEOUT_S = 0.8
SSH_FAILED = 255
# The kernel ends the master when this process is no more, however it ended.
WITH_US = ("setpriv", "--pdeathsig", "TERM")
# What OpenSSH itself needs of our environment: keys in an agent, tickets of Kerberos.
VARIABLES = ("SSH_AUTH_SOCK", "KRB5CCNAME")

FixedFile = Callable[[], Path]

# What OpenSSH says on stderr when it gives up itself (its exit status is 255), and what that means.
FAILURES = (
    ("host key verification failed", Reason.HOST_KEY_FAILED),
    ("host identification has changed", Reason.HOST_KEY_FAILED),
    ("host key is known for", Reason.HOST_KEY_FAILED),
    ("could not resolve hostname", Reason.NAME_UNRESOLVED),
    ("permission denied", Reason.AUTH_FAILED),
    ("too many authentication failures", Reason.AUTH_FAILED),
    ("connection refused", Reason.CONNECTION_REFUSED),
    ("timed out", Reason.TIMEOUT),
    ("no route to host", Reason.UNREACHABLE),
    ("network is unreachable", Reason.UNREACHABLE),
    ("unable to negotiate", Reason.CIPHER_UNSUPPORTED),
    ("banner", Reason.BAD_REPLY),
    ("connection closed", Reason.CONNECTION_REFUSED),
    ("connection reset", Reason.CONNECTION_REFUSED),
    ("no user exists for uid", Reason.COMMAND_FAILED),
)
HINTS = {
    Reason.HOST_KEY_FAILED: "the host's key is not the one in known_hosts",
    Reason.AUTH_FAILED: "the host does not accept this user with this key",
    Reason.COMMAND_FAILED: "ssh runs only as a uid that has a name: use one that /etc/passwd has, "
    "or install libnss-unknown",
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
        without: Sequence[str] = (),
    ) -> None:
        self._host = host
        self._without = tuple(word for name in without for word in ("-u", name))
        self._login = ("-p", str(port), *(("-l", user) if user else ()))
        self._key_file = key_file
        self._known_hosts = known_hosts
        self._socket = control_directory / secrets.token_hex(6)
        self._master: Process | None = None
        self._suspect = False

    @property
    def logged_in(self) -> bool:
        """Whether the master connection is there."""
        return self._master is not None and self._master.returncode is None

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command in the C locale and give what it printed on stdout.

        Raises:
            ReadError: host_key_failed, auth_failed, connection_refused, timeout, name_unresolved,
                unreachable, cipher_unsupported, bad_reply, credentials_missing.
            CommandError: timeout, or command_failed where the command itself did not end well,
                with the first line of stderr.
        """
        try:
            finished = await self._run(argv, timeout_s)
        except TimeoutError:
            raise command_overdue(argv, timeout_s) from None
        except OverdueError as overdue:
            raise command_overdue(argv, timeout_s, overdue.errors) from None
        except OSError as error:
            told = f"{error.filename or 'ssh'}: {error.strerror}"
            raise ReadError(Reason.COMMAND_FAILED, told) from None
        except ValueError as error:
            raise ReadError(Reason.BAD_REPLY, str(error)) from None
        if finished.code:
            raise command_failed(finished, argv)
        return finished.output

    async def close(self) -> None:
        """End the kept login, and leave no file behind."""
        await self._log_out()

    async def _run(self, argv: Sequence[str], timeout_s: float) -> CompletedProcess:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        if self._suspect or self._master is None or self._master.returncode is not None:
            async with asyncio.timeout_at(deadline_s):
                await self._log_out()
                await self._log_in(timeout_s)
        # Until a command has come to its end, the kept connection may be one that leads nowhere.
        self._suspect = True
        remote = shlex.join(("env", *self._without, "LC_ALL=C", *argv))
        # The proxy that fails holds ssh to the master: without one it would log in by itself.
        through = ("-T", "-n", *_set("ProxyCommand", "false"), *self._control())
        command = ("ssh", *through, "--", self._host, remote)
        finished = await run_process(command, deadline_s - loop.time(), environment(*VARIABLES))
        self._suspect = finished.code == SSH_FAILED
        return finished

    async def _log_in(self, timeout_s: float) -> None:
        """Start the master; it says a word on stdout once it is logged in and listens."""
        command = (*WITH_US, "ssh", "-M", "-N", *self._options(timeout_s), "--", self._host)
        master = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment(*VARIABLES)
        )
        self._master = master
        try:
            ready = await cast(StreamReader, master.stdout).readline()
        except asyncio.CancelledError:
            master.kill()
            raise
        if not ready:
            raise _login_failed(await cast(StreamReader, master.stderr).read(4096))

    async def _log_out(self) -> None:
        master, self._master = self._master, None
        self._socket.with_suffix(".key").unlink(missing_ok=True)
        if master is None:
            return
        try:
            await _ended(master)
        finally:
            self._socket.unlink(missing_ok=True)

    def _control(self) -> Iterator[str]:
        yield from _set("ControlPath", _quoted(self._socket))
        yield from _set("LogLevel", "ERROR")

    def _options(self, timeout_s: float) -> Iterator[str]:
        yield from ("-T", "-x", "-a", *self._login, *self._control())
        yield from _set("BatchMode", "yes")
        yield from _set("StrictHostKeyChecking", "yes")
        yield from _set("UpdateHostKeys", "no")
        # Shorter than the deadline, so that it is known which of login and command was slow.
        yield from _set("ConnectTimeout", str(max(1, int(timeout_s * 0.8))))
        yield from _set("ServerAliveInterval", "15")
        yield from _set("ControlPersist", "no")
        yield from _set("ClearAllForwardings", "yes")
        yield from (*_set("PermitLocalCommand", "yes"), *_set("LocalCommand", "echo"))
        if self._key_file:
            yield from _set("IdentitiesOnly", "yes")
            yield from _set("IdentityFile", _quoted(self._private(self._key_file())))
        if self._known_hosts:
            yield from _set("UserKnownHostsFile", _quoted(self._known_hosts()))
            yield from _set("GlobalKnownHostsFile", "/dev/null")

    def _private(self, key: Path) -> Path:
        """Give a file that ssh accepts: it refuses a key of one's own that others may read.

        Secrets are often mounted so, and read-only: then ssh gets a copy in the private directory.
        """
        status = key.stat()
        if status.st_uid != os.getuid() or not status.st_mode & 0o077:
            return key
        copy = self._socket.with_suffix(".key")
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(key.read_bytes())
        return copy


async def _ended(child: Process) -> None:
    """End a child: politely, and when that takes long by force. It is reaped either way."""
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _set(name: str, value: str) -> tuple[str, str]:
    return "-o", f"{name}={value}"


def _quoted(path: Path) -> str:
    """Quote a path for ssh's configuration, where blanks separate and % begins a token."""
    return '"' + str(path).replace("%", "%%") + '"'


def _login_failed(errors: bytes) -> ReadError:
    said = errors.decode("utf-8", "replace")
    for phrase, reason in FAILURES:
        if phrase in said.lower():
            return ReadError(reason, HINTS.get(reason) or f"ssh: {one_line(said, -1)}")
    return ReadError(Reason.COMMAND_FAILED, f"ssh: {one_line(said, -1)}")
