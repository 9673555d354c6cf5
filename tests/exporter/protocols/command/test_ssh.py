"""Commands over ssh, against a real sshd; the oracle is the same command run here."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.protocols.command.ssh import SshHost
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S, eventually
from tests.peers.sshd import Sshd, another_host_key, sshd

LOOPS = ("uvloop",)  # the one the exporter runs on


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def control() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def host_of(peer: Sshd, control: Path, known_hosts: Path | None = None) -> SshHost:
    return SshHost(
        peer.address,
        port=peer.port,
        user=peer.user,
        key_file=lambda: peer.client_key,
        known_hosts=lambda: known_hosts or peer.known_hosts,
        control_directory=control,
    )


async def reason_of(host: SshHost, *argv: str, timeout_s: float = PATIENCE_S) -> Reason:
    with pytest.raises(ReadError) as caught:
        await host.run(argv or ("true",), timeout_s)
    await host.close()
    return caught.value.reason


async def test_a_command_gives_its_output_and_one_login_serves_many(
    peer: Sshd, control: Path
) -> None:
    host = host_of(peer, control)
    expected = subprocess.run(["uname", "-a"], capture_output=True, check=True).stdout
    for _ in range(3):
        assert await host.run(("uname", "-a"), PATIENCE_S) == expected
    assert peer.logins() == 1
    await host.close()
    assert list(control.iterdir()) == []


async def test_words_reach_the_command_as_they_are_and_never_the_shell(
    peer: Sshd, control: Path
) -> None:
    words = ("$(id)", "a  b", "'; exit 3; '", "`id`", "\\n", "*", "")
    host = host_of(peer, control)
    output = await host.run(("printf", "%s|", *words), PATIENCE_S)
    await host.close()
    assert output.decode() == "|".join(words) + "|"


async def test_the_command_runs_in_the_c_locale(peer: Sshd, control: Path) -> None:
    host = host_of(peer, control)
    assert b"LC_ALL=C\n" in await host.run(("env",), PATIENCE_S)
    await host.close()


async def test_a_changed_host_key_is_host_key_failed(
    peer: Sshd, control: Path, tmp_path: Path
) -> None:
    known = another_host_key(peer, tmp_path)
    assert await reason_of(host_of(peer, control, known)) is Reason.HOST_KEY_FAILED


async def test_an_unknown_host_key_is_host_key_failed(
    peer: Sshd, control: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "known_hosts"
    empty.write_text("")
    assert await reason_of(host_of(peer, control, empty)) is Reason.HOST_KEY_FAILED
    assert empty.read_text() == ""


async def test_a_key_not_authorized_is_auth_failed(
    peer: Sshd, control: Path, tmp_path: Path
) -> None:
    another_host_key(peer, tmp_path)
    host = SshHost(
        peer.address,
        port=peer.port,
        user=peer.user,
        key_file=lambda: tmp_path / "other_key",
        known_hosts=lambda: peer.known_hosts,
        control_directory=control,
    )
    assert await reason_of(host) is Reason.AUTH_FAILED


async def test_a_key_mounted_readable_by_all_still_logs_in(peer: Sshd, control: Path) -> None:
    peer.client_key.chmod(0o444)
    host = host_of(peer, control)
    assert await host.run(("echo", "in"), PATIENCE_S) == b"in\n"
    assert all(path.stat().st_mode & 0o077 == 0 for path in control.iterdir())
    await host.close()
    assert list(control.iterdir()) == []


async def test_a_port_without_a_listener_is_connection_refused(peer: Sshd, control: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = SshHost("127.0.0.1", port=taken.getsockname()[1], control_directory=control)
        assert await reason_of(host) is Reason.CONNECTION_REFUSED


async def test_a_name_that_does_not_exist_is_name_unresolved(control: Path) -> None:
    host = SshHost("no-such-host.invalid", control_directory=control)
    with pytest.raises(ReadError, match=r"^ssh: Could not resolve hostname no-such") as caught:
        await host.run(["true"], PATIENCE_S)
    assert caught.value.reason is Reason.NAME_UNRESOLVED
    await host.close()


async def test_a_peer_that_never_speaks_is_timeout(control: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = SshHost("127.0.0.1", port=silent.getsockname()[1], control_directory=control)
        assert await reason_of(host, timeout_s=1.5) is Reason.TIMEOUT


@asynccontextmanager
async def hanging_after_banner() -> AsyncIterator[int]:
    """Yield the port of a server that introduces itself as sshd does, and then waits."""
    done = asyncio.Event()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await done.wait()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        done.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("command", ["sinfo", "ipmitool"])
async def test_a_log_in_that_hangs_after_the_banner_is_said_to_be_what_hangs(
    control: Path, command: str
) -> None:
    async with hanging_after_banner() as port:
        host = SshHost("127.0.0.1", port=port, control_directory=control)
        with pytest.raises(ReadError) as caught:
            await host.run((command,), 0.7)
        await host.close()
    assert caught.value.reason is Reason.TIMEOUT
    assert not isinstance(caught.value, CommandError)  # no scheduler takes it for its own
    assert str(caught.value) == f"ssh had not logged in after 0.7 s: {command} was not run"
    assert "sshd" in (caught.value.remedy or "")


async def test_a_peer_that_does_not_speak_ssh_is_bad_reply(control: Path) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\0\1garbage\r\n" * 2000)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        host = SshHost("127.0.0.1", port=port, control_directory=control)
        assert await reason_of(host) is Reason.BAD_REPLY


async def test_a_command_that_is_not_there_is_command_failed(peer: Sshd, control: Path) -> None:
    host = host_of(peer, control)
    with pytest.raises(ReadError, match=r"no-such-program.*No such file") as caught:
        await host.run(("no-such-program",), PATIENCE_S)
    assert caught.value.reason is Reason.COMMAND_FAILED
    await host.close()


async def test_output_without_end_is_bad_reply(peer: Sshd, control: Path) -> None:
    assert await reason_of(host_of(peer, control), "yes") is Reason.BAD_REPLY


async def test_a_command_that_hangs_is_timeout_and_the_next_one_works(
    peer: Sshd, control: Path
) -> None:
    host = host_of(peer, control)
    await host.run(("true",), PATIENCE_S)
    with pytest.raises(ReadError) as caught:
        await host.run(("sleep", "60"), 0.5)
    assert caught.value.reason is Reason.TIMEOUT
    assert await host.run(("echo", "well"), PATIENCE_S) == b"well\n"
    await host.close()


async def test_a_cancelled_command_leaves_no_child_and_a_host_that_can_go_on(
    peer: Sshd, control: Path
) -> None:
    host = host_of(peer, control)
    await host.run(("true",), PATIENCE_S)
    await cancel_in_flight(host)
    assert await host.run(("echo", "well"), PATIENCE_S) == b"well\n"
    await host.close()


async def test_a_cancelled_login_leaves_no_child(control: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = SshHost("127.0.0.1", port=silent.getsockname()[1], control_directory=control)
        await cancel_in_flight(host)
        await host.close()


async def test_a_login_lost_between_two_commands_is_repeated(peer: Sshd, control: Path) -> None:
    host = host_of(peer, control)
    own = children()
    await host.run(("true",), PATIENCE_S)
    (master,) = children() - own
    os.kill(master, signal.SIGKILL)
    await eventually(lambda: not children() - own)
    assert await host.run(("echo", "well"), PATIENCE_S) == b"well\n"
    assert peer.logins() == 2
    await host.close()


async def cancel_in_flight(host: SshHost) -> None:
    before = children()
    running = asyncio.create_task(host.run(("sleep", "60"), PATIENCE_S))
    await eventually(lambda: children() - before)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: not children() - before)


def children() -> set[int]:
    """The children of this process, zombies too."""
    path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return {int(pid) for pid in path.read_text().split()}


UNNAMED = "1000680000"
"""As OpenShift chooses them: /etc/passwd has no such user."""

READ_AS_UNNAMED = """
import asyncio, pwd, os, sys
from contextlib import suppress
from pathlib import Path
from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.protocols.command.ssh import SshHost
from rackwatt_exporter.reading import ReadError

with suppress(KeyError):
    sys.exit(f"named {pwd.getpwuid(os.getuid()).pw_name}")
try:
    asyncio.run(SshHost("127.0.0.1", control_directory=Path(sys.argv[1])).run(("true",), 60))
except ReadError as error:
    print(error.reason.value, error)
"""


async def test_a_uid_without_a_name_fails_with_what_ssh_needs(control: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        "unshare", "--user", f"--map-user={UNNAMED}", "--map-group=0", "--",
        sys.executable, "-c", READ_AS_UNNAMED, str(control),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await child.communicate()
    if b"unshare" in errors or b"named" in errors:
        pytest.skip("a uid without a name is not to be had here")
    assert output.decode().startswith("command_failed ssh runs only as a uid that has a name")


async def test_a_connection_that_died_is_said_to_be_what_is_slow(
    peer: Sshd, control: Path, tmp_path: Path
) -> None:
    open_way = asyncio.Event()
    open_way.set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            await open_way.wait()
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(peer.address, peer.port)
        await asyncio.gather(pump(reader, ours), pump(theirs, writer), return_exceptions=True)

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    known = tmp_path / "known"
    known.write_text(peer.known_hosts.read_text().replace(f":{peer.port} ", f":{port} "))
    host = host_of(replace(peer, port=port), control, known)
    assert await host.run(("echo", "well"), 4) == b"well\n"
    open_way.clear()
    with pytest.raises(ReadError, match="connection was lost while echo ran") as caught:
        await host.run(("echo", "well"), 4)
    assert caught.value.reason is Reason.UNREACHABLE
    assert "logs in again" in (caught.value.remedy or "")
    open_way.set()
    assert await host.run(("echo", "well"), PATIENCE_S) == b"well\n"
    await host.close()
    server.close()
