"""The systemd unit of several shards: its command line, run unchanged."""

import configparser
import json
import shlex
from contextlib import ExitStack
from pathlib import Path

from tests.exporter.commands.exporter_process import running

UNIT = Path(__file__).parents[3] / "docs/examples/rackwatt-exporter@.service"
NODES = [f"n{number}" for number in range(1, 41)]


def command(instance: int, state: Path) -> list[str]:
    """Give the arguments of an instance; state and port alone are the test's own."""
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    program, *arguments = shlex.split(unit["Service"]["ExecStart"].replace("%i", str(instance)))
    assert Path(program).name == "rackwatt-exporter"
    port = f"--web.listen-address=:912{instance}"
    assert port in arguments
    kept = [argument for argument in arguments if argument != port]
    at = [argument.replace("/var/lib/rackwatt", str(state)) for argument in kept]
    return [*at, "--web.listen-address=127.0.0.1:0"]


def test_the_four_instances_of_the_unit_share_a_fleet_without_a_rest(tmp_path: Path) -> None:
    document = tmp_path / "fleet.yaml"
    document.write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: lab}\n"
        "spec:\n  interval: 1s\n  bmc:\n    method: fake\n"
        "    hosts: [{names: 'n[1-40]', addresses: '127.9.9.[1-40]'}]\n"
    )
    found: list[str] = []
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                running(*command(i, tmp_path / "state"), f"--config.file={document}")
            )
            for i in range(1, 5)
        ]
        for run in runs:
            run.until_served(lambda text: text == "ready\n", "/readyz")
            groups = json.loads(run.get("/targets"))
            mine = [node for node in NODES if f'"{node}"' in json.dumps(groups)]
            assert mine
            found += mine
        assert [run.stop() for run in runs] == [0, 0, 0, 0]
    assert sorted(found) == sorted(NODES)
    assert {path.parent.name for path in (tmp_path / "state").glob("*/ledger.jsonl")} == set("1234")
