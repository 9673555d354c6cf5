"""Commands that print JSON, through a real sshd whose remote shell reads their arguments."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.flux.resources import LIST
from rackwatt_exporter.schedulers.htcondor.commands import COMMANDS, STATUS
from rackwatt_exporter.schedulers.json_commands import JsonScheduler
from rackwatt_exporter.schedulers.lsf.commands import BHOSTS
from rackwatt_exporter.schedulers.registry import scheduler
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.commands import PrintingHost
from tests.exporter.schedulers.snapshots import states
from tests.peers.sshd import sshd

# Each prints a node and then, of the commands for jobs, none.
PRINTED = {
    "htcondor": ("condor_status", STATUS, '[{"Machine": "n1", "State": "Unclaimed"}]'),
    "lsf": (
        "bhosts",
        BHOSTS,
        '{"RECORDS": [{"HOST_NAME": "n1", "STATUS": "ok", "NJOBS": "0"}]}',
    ),
    "flux": ("flux", ("resource", "list", *LIST), "free|n1|"),
}
EMPTY = ("condor_q", "condor_version", "bjobs", "lsid")


@pytest.mark.parametrize("kind", PRINTED)
async def test_arguments_arrive_over_ssh_as_they_are_behind_a_greeting(
    kind: str, tmp_path: Path
) -> None:
    command, arguments, output = PRINTED[kind]
    (tmp_path / "printed").write_text(f"Welcome to login1\n{output}\n")
    script = f'#!/bin/sh\nprintf "%s\\n" "$LSF_ENVDIR" "$@" > {tmp_path}/run.$1.$2\n'
    for name in (command, *EMPTY):
        path = tmp_path / name
        status = '[ "$2" = status ] && echo "avail||" && exit\n'
        prints = f"{status}cat {tmp_path}/printed\n" if name == command else ""
        path.write_text(script.replace("run.", f"{name}.") + prints)
        path.chmod(0o755)
    (secret := tmp_path / "secrets" / "login").mkdir(parents=True)
    async with sshd(tmp_path / "sshd") as peer:
        (secret / "ssh-privatekey").write_bytes(peer.client_key.read_bytes())
        (secret / "known_hosts").write_bytes(peer.known_hosts.read_bytes())
        envdir = "envdir: /opt/lsf/conf, " if kind == "lsf" else ""
        config = resolved(
            f"{kind}: {{{envdir}ssh: {{host: {peer.address}, port: {peer.port}, "
            f"user: {peer.user}, path: {tmp_path}, keySecretRef: {{name: login}}, "
            "knownHostsSecretRef: {name: login}}}"
        )
        made = scheduler(config, Secrets(tmp_path / "secrets"))
        try:
            snapshot = await made.read()
        finally:
            await made.close()
    assert states(snapshot) == {"n1": "idle"}
    assert snapshot.unread == 0
    (run,) = tmp_path.glob(f"{command}.{arguments[0]}.{arguments[1]}")
    expected = ["/opt/lsf/conf" if kind == "lsf" else "", *arguments]
    assert run.read_text().splitlines() == expected


async def test_the_version_is_read_last_and_once() -> None:
    """It may hang, and is what can be done without."""
    polled: list[str] = []

    class Host(PrintingHost):
        async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
            polled.append(argv[0])
            return await super().run(argv, timeout_s)

    late = ReadError(Reason.TIMEOUT, "condor_version had not ended")
    printed = {"condor_status": PRINTED["htcondor"][2].encode(), "condor_q": b"[]"}
    host = Host(printed | {"condor_version": late})
    made = JsonScheduler(COMMANDS, SchedulerCommands(host, None, 5), jobs=True)
    snapshot = await made.read()
    assert (states(snapshot), snapshot.jobs, snapshot.version) == ({"n1": "idle"}, (), "")
    assert await made.read() == snapshot
    assert polled == ["condor_status", "condor_q", "condor_version", "condor_status", "condor_q"]


async def test_a_poll_that_has_no_time_left_for_a_command_says_so() -> None:
    run = SchedulerCommands(PrintingHost({"condor_q": b"[]"}), "/opt", 5).until_deadline(0.0)
    with pytest.raises(ReadError, match="commands before condor_q took all the time") as caught:
        await run("condor_q")
    assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("kind", "name"), [("htcondor", "HTCondor"), ("lsf", "LSF"), ("flux", "Flux")]
)
async def test_commands_that_are_not_there_are_to_be_installed_or_named(
    kind: str, name: str, tmp_path: Path
) -> None:
    made = scheduler(resolved(f"{kind}: {{cli: {{path: {tmp_path}}}}}"), Secrets(tmp_path))
    with pytest.raises(ReadError) as caught:
        await made.read()
    await made.close()
    assert caught.value.reason is Reason.COMMAND_FAILED
    assert f"install {name}'s commands, or name their directory in `path`" in str(caught.value)
