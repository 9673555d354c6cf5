"""In which form a subject is printed, and what its command's failures mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import CommandRunner, SchedulerCommands
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.slurm.licenses import LICENSES
from rackwatt_exporter.schedulers.slurm.subject import Parsed
from rackwatt_exporter.schedulers.slurm.subject_commands import SubjectCommands
from tests.exporter.schedulers.commands import PrintingHost

DATA = Path(__file__).parents[3] / "data"
TEXT = (DATA / "slurm-22.05" / "licenses_o.txt").read_bytes()
JSON = (DATA / "slurm-24.11" / "licenses_rest_v0.0.42.json").read_bytes()
USED = Parsed((License("ansys", 4, 0, 4, 0), License("matlab", 10, 3, 7, 0)))
PRINTS_JSON, PRINTS_TEXT = "scontrol show lic --json", "scontrol -o show lic"
NO_JSON = "scontrol: unrecognized option '--json'\n"


def failed(stderr: str, reason: Reason = Reason.COMMAND_FAILED) -> CommandError:
    return CommandError(reason, f"scontrol ended with status 1: {stderr}", stderr)


class CountingHost(PrintingHost):
    """A host that keeps the command lines it ran."""

    def __init__(self, printed: Mapping[str, bytes | ReadError]) -> None:
        super().__init__(printed)
        self.ran: list[str] = []

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        self.ran.append(" ".join(argv))
        return await super().run(argv, timeout_s)


def commands_of(
    host: CommandRunner, folder: str | None = None, cluster: str | None = None
) -> SubjectCommands:
    return SubjectCommands(SchedulerCommands(host, folder, 9), cluster)


async def test_json_is_printed_where_the_command_has_it() -> None:
    host = CountingHost({PRINTS_JSON: JSON})
    assert await commands_of(host).ask(LICENSES, 9) == USED
    assert host.ran == [PRINTS_JSON]


@pytest.mark.parametrize("printed", [failed(NO_JSON), b"", b"<html>no JSON</html>"])
async def test_text_is_printed_where_the_command_has_no_json_once_that_is_known(
    printed: bytes | ReadError,
) -> None:
    host = CountingHost({PRINTS_JSON: printed, PRINTS_TEXT: TEXT})
    commands = commands_of(host)
    for _ in range(2):
        assert await commands.ask(LICENSES, 9) == USED
    assert host.ran == [PRINTS_JSON, PRINTS_TEXT, PRINTS_TEXT]
    commands.forget()
    await commands.ask(LICENSES, 9)
    assert host.ran[3:] == [PRINTS_JSON, PRINTS_TEXT]


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("scontrol: error: Unable to contact slurm controller", Reason.UNREACHABLE),
        ("scontrol: error: Munge encode failed", Reason.AUTH_FAILED),
        ("Access/permission denied", Reason.PRIVILEGE_INSUFFICIENT),
    ],
)
async def test_a_failure_that_is_none_of_the_form_is_explained_and_no_other_form_is_printed(
    stderr: str, reason: Reason
) -> None:
    host = CountingHost({PRINTS_JSON: failed(stderr)})
    with pytest.raises(ReadError) as caught:
        await commands_of(host).ask(LICENSES, 9)
    assert caught.value.reason is reason
    assert stderr in str(caught.value)
    assert host.ran == [PRINTS_JSON]


async def test_a_host_without_the_command_has_the_error_of_the_last_form() -> None:
    host = PrintingHost({"scontrol": failed("env: 'scontrol': No such file or directory")})
    with pytest.raises(ReadError, match="there is no scontrol") as caught:
        await commands_of(host).ask(LICENSES, 9)
    assert caught.value.reason is Reason.COMMAND_FAILED


async def test_a_named_cluster_and_a_folder_are_those_of_the_command() -> None:
    host = CountingHost({"/opt/slurm/bin/scontrol": JSON})
    await commands_of(host, "/opt/slurm/bin/", "alpha").ask(LICENSES, 9)
    assert host.ran == ["/opt/slurm/bin/scontrol -M alpha show lic --json"]
