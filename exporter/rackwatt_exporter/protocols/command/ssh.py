"""Commands on another host, through the system's OpenSSH client.

It is the client that administrators know, harden and configure. A control master keeps one login,
so that a command costs a short-lived child and no key exchange. The master is our own child in the
foreground: one that detaches itself (ControlPersist) would outlive a killed exporter, and leave a
zombie where the exporter is the first process of its container. Host keys are always checked. ssh
never prompts, and the remote shell gets quoted words only. Our environment is not sent; of the
remote one, which a login shell made, the variables in `without` are removed, and `settings` such as
`NAME=value` are added.
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
    LongOutputError,
    ProcessTimeoutError,
    command_failed,
    command_timed_out,
    environment,
    one_line,
    run_process,
)
from rackwatt_exporter.reading import ReadError, Reason

CLOSE_TIMEOUT_S = 0.8
_EXIT_GRACE_S = 0.2  # for the master, which ends with the connection
SSH_FAILED = 255
# The kernel sends SIGTERM to the master when this process ends, for whatever reason.
PARENT_DEATH_SIGNAL = ("setpriv", "--pdeathsig", "TERM")
# What OpenSSH itself needs of our environment: keys in an agent, tickets of Kerberos.
VARIABLES = ("SSH_AUTH_SOCK", "KRB5CCNAME")

FixedFile = Callable[[], Path]

# Parts of what OpenSSH prints on stderr when it fails itself (exit status 255), and their reasons.
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
# The host accepted the connection, or ssh itself would have given up by its ConnectTimeout.
_SLOW_LOGIN = (
    "Log in by hand with ssh as the same user: what sshd waits for does not respond, such as a "
    "directory of users (LDAP, SSSD), DNS, or the file system of the home directory."
)

_DEAD = (
    "The host is down or hangs, or a firewall or NAT has dropped the connection: the next "
    "reading logs in again."
)


class SshHost:
    """One host and the login kept to it; the caller runs one command at a time.

    `key_file` and `known_hosts` are called at each login, so that a rotated file counts from the
    next one on. None leaves them to ssh's own configuration; the host key still has to be known.
    `control_directory` is private (0700), and its path is short: it holds a Unix socket.
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
        settings: Sequence[str] = (),
    ) -> None:
        self._host = host
        self._without = tuple(word for name in without for word in ("-u", name))
        self._settings = settings
        self._login = ("-p", str(port), *(("-l", user) if user else ()))
        self._key_file = key_file
        self._known_hosts = known_hosts
        self._socket = control_directory / secrets.token_hex(6)
        self._master: Process | None = None
        self._suspect = False

    @property
    def logged_in(self) -> bool:
        """Whether the master connection is open."""
        return self._master is not None and self._master.returncode is None

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command in the C locale and return what it printed on stdout.

        Raises:
            ReadError: host_key_failed, auth_failed, connection_refused, timeout, name_unresolved,
                unreachable, cipher_unsupported, bad_reply, credentials_missing.
            CommandError: timeout, or command_failed where the exit status of the command is not 0,
                with the first line of stderr.
        """
        try:
            finished = await self._run(argv, timeout_s)
        except ProcessTimeoutError as error:
            raise command_timed_out(argv, timeout_s, error) from None
        except OSError as error:
            message = f"{error.filename or 'ssh'}: {error.strerror}"
            raise ReadError(Reason.COMMAND_FAILED, message) from None
        except ValueError as error:
            raise LongOutputError(Reason.BAD_REPLY, str(error)) from None
        if finished.returncode:
            raise command_failed(finished, argv)
        return finished.stdout

    async def close(self) -> None:
        """End the kept login and remove its files."""
        await self._log_out()

    async def _run(self, argv: Sequence[str], timeout_s: float) -> CompletedProcess:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        if self._suspect or self._master is None or self._master.returncode is not None:
            try:
                async with asyncio.timeout_at(deadline_s):
                    await self._log_out()
                    await self._log_in(timeout_s)
            except TimeoutError:
                message = f"ssh had not logged in after {timeout_s:.3g} s: {argv[0]} was not run"
                raise ReadError(Reason.TIMEOUT, message, remedy=_SLOW_LOGIN) from None
        # Until a command has ended, the kept connection may be dead.
        self._suspect = True
        remote = shlex.join(("env", *self._without, "LC_ALL=C", *self._settings, *argv))
        # A proxy that fails restricts ssh to the master: without one it would log in by itself.
        options = ("-T", "-n", *_option("ProxyCommand", "false"), *self._control())
        command = ("ssh", *options, "--", self._host, remote)
        finished = await run_process(command, deadline_s - loop.time(), environment(*VARIABLES))
        self._suspect = finished.returncode == SSH_FAILED
        if self._suspect and (lost := await self._lost(argv)):
            raise lost
        return finished

    async def _lost(self, argv: Sequence[str]) -> ReadError | None:
        """Return why the login ended while a command ran; None where it has not ended."""
        master = self._master
        try:
            async with asyncio.timeout(_EXIT_GRACE_S):
                stderr = await cast(StreamReader, master.stderr).read() if master else b""
        except TimeoutError:
            return None
        if stderr.strip():
            failure = _login_failed(stderr)
            message = f"the ssh connection was lost while {argv[0]} ran: {failure}"
            return ReadError(failure.reason, message)
        message = (
            f"the ssh connection was lost while {argv[0]} ran: the host does not respond on it"
        )
        return ReadError(Reason.UNREACHABLE, message, remedy=_DEAD)

    async def _log_in(self, timeout_s: float) -> None:
        """Start the master; it prints a line on stdout once it is logged in and listens."""
        command = (
            *PARENT_DEATH_SIGNAL,
            "ssh",
            "-M",
            "-N",
            *self._options(timeout_s),
            "--",
            self._host,
        )
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
            await _terminate(master)
        finally:
            self._socket.unlink(missing_ok=True)

    def _control(self) -> Iterator[str]:
        yield from _option("ControlPath", _quoted(self._socket))
        yield from _option("LogLevel", "ERROR")

    def _options(self, timeout_s: float) -> Iterator[str]:
        yield from ("-T", "-x", "-a", *self._login, *self._control())
        yield from _option("BatchMode", "yes")
        yield from _option("StrictHostKeyChecking", "yes")
        yield from _option("UpdateHostKeys", "no")
        # Shorter than the deadline, so that the error says which of login and command was slow.
        yield from _option("ConnectTimeout", str(max(1, int(timeout_s * 0.8))))
        # A connection that died ends the master before a command's deadline, which would be taken
        # for that of a slow command: after two intervals without a response.
        yield from _option("ServerAliveInterval", str(max(1, int(timeout_s * 0.4))))
        yield from _option("ServerAliveCountMax", "1")
        yield from _option("ControlPersist", "no")
        yield from _option("ClearAllForwardings", "yes")
        yield from (*_option("PermitLocalCommand", "yes"), *_option("LocalCommand", "echo"))
        if self._key_file:
            yield from _option("IdentitiesOnly", "yes")
            yield from _option("IdentityFile", _quoted(self._private(self._key_file())))
        if self._known_hosts:
            yield from _option("UserKnownHostsFile", _quoted(self._known_hosts()))
            yield from _option("GlobalKnownHostsFile", "/dev/null")

    def _private(self, key: Path) -> Path:
        """Return a key file that ssh accepts: it refuses its user's own key if others may read it.

        Secrets are often mounted so, and read-only: ssh then gets a copy in the private directory.
        """
        status = key.stat()
        if status.st_uid != os.getuid() or not status.st_mode & 0o077:
            return key
        copy = self._socket.with_suffix(".key")
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(key.read_bytes())
        return copy


async def _terminate(child: Process) -> None:
    """Terminate a child, kill it after CLOSE_TIMEOUT_S, reap it, and close its pipes.

    The loop closes them once it has read their end, which may come after that of the child.
    """
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(_EXIT_GRACE_S):
            for pipe in (child.stdout, child.stderr):
                await cast(StreamReader, pipe).read()


def _option(name: str, value: str) -> tuple[str, str]:
    return "-o", f"{name}={value}"


def _quoted(path: Path) -> str:
    """Quote a path for ssh's configuration, where blanks separate and % starts a token."""
    return '"' + str(path).replace("%", "%%") + '"'


def _login_failed(output: bytes) -> ReadError:
    stderr = output.decode("utf-8", "replace")
    for phrase, reason in FAILURES:
        if phrase in stderr.lower():
            return ReadError(reason, HINTS.get(reason) or _last_line(stderr))
    return ReadError(Reason.COMMAND_FAILED, _last_line(stderr))


def _last_line(stderr: str) -> str:
    """Return ssh's last line, which often names ssh itself."""
    return f"ssh: {one_line(stderr, -1).removeprefix('ssh: ')}"
