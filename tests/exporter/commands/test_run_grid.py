"""An exporter with only a document of the grid, as the operator runs it."""

import json
import re
from pathlib import Path

from tests.exporter.commands.exporter_process import running

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: france}}
spec: {{interval: 1s, grid: {{zone: FR, static: {{gramsPerKilowattHour: {grams}}}}}}}
"""


def test_a_zone_is_exposed_in_base_units_and_follows_its_document(tmp_path: Path) -> None:
    document = tmp_path / "grid.yaml"
    document.write_text(DOCUMENT.format(grams=56))
    with running("run", f"--config.file={tmp_path}", "--web.listen-address=127.0.0.1:0") as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        page = run.get("/metrics")
        sample = re.search(
            r'^rackwatt_grid_carbon_intensity_grams_per_joule\{zone="FR",provider="static"\} (.*)$',
            page,
            re.MULTILINE,
        )
        assert sample
        # 1 kWh is 3.6 MJ: 56 g of them are 0.000015555… g of a joule.
        assert abs(float(sample[1]) - 0.0000155555555) < 1e-11
        assert 'rackwatt_grid_up{zone="FR",provider="static"} 1\n' in page
        assert "rackwatt_target_up" not in page
        status = json.loads(run.get("/status"))
        assert status["grids"][0]["grams_per_kilowatt_hour"] == 56.0
        assert status["powertargets"] == {
            "france": {"configured": 1, "reachable": 1, "failing": 0, "measured": 0, "watts": None}
        }
        assert "FR" in run.get("/plain")
        document.write_text(DOCUMENT.format(grams=380))
        run.until_served(lambda text: '"grams_per_kilowatt_hour": 380.0' in text, "/status")
        document.write_text("")
        run.until_served(lambda text: "rackwatt_grid" not in text, "/metrics")
        assert run.stop() == 0
