"""The node of the demo, with real jobs where this machine allows it, and without."""

import json
from pathlib import Path

import pytest

import scripts.demo.node as demo
from tests.exporter.commands.exporter_process import running
from tests.peers.slurm_contained import CAN_RUN, WHY_NOT


@pytest.mark.parametrize("is_real", [True, False])
def test_the_energy_of_the_demos_jobs_adds_up(
    is_real: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_real and not CAN_RUN:
        pytest.skip(WHY_NOT)
    monkeypatch.setattr(demo, "CAN_RUN", is_real)
    with (
        demo.node(tmp_path) as machine,
        running(
            "run", f"--config.file={tmp_path}/documents", "--web.listen-address=127.0.0.1:0",
            *machine.arguments,
        ) as run,
    ):  # fmt: skip
        assert ("real" in machine.words) == is_real
        assert (WHY_NOT in machine.words) != is_real
        power = "rackwatt_unit_power_watts{"
        run.until_served(lambda text: text.count(power) >= (2 if is_real else 3), "/metrics")
        inside = json.loads(run.get(f"/status?node={demo.NODE}"))["inside"]
        energy = inside["energy"][0]
        parts = [energy[f"{part}_joules"] for part in ("units", "idle", "system", "unattributed")]
        assert sum(parts) == pytest.approx(energy["measured_joules"], abs=0.01)
        assert energy["units_joules"] > 0
        assert energy["imbalance_joules"] == 0
        assert inside["watts"] > demo.IDLE_WATTS
        assert all(unit["user"] for unit in inside["units"] if unit["running"])
