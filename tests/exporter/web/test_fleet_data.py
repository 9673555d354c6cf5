import json
import time
from pathlib import Path
from typing import Any

import pytest

from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.grid.base import CarbonIntensity
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.web.compression import CompressedBody
from rackwatt_exporter.web.fleet_data import FleetData
from tests.exporter.running_exporter import RunningExporter, power_target
from tests.exporter.store.test_targets import target

LOOPS = ("attended",)


class Viewing:
    """A data of two targets with a clock of its own."""

    def __init__(self, exporter: Exporter) -> None:
        self.now_s = 0.0
        self.store = exporter.targets
        self.exporter = exporter
        exporter.reloaded_at_s = 1.0
        self.store.sync([target("a", rack="r1"), target("b", rack="r2", type="gpu")])
        self.data = FleetData(exporter, "/metrics", lambda: self.now_s)

    def since(self, revision: int) -> dict[str, Any]:
        return decoded(self.data.readings(self.data.layout_name, revision))


def decoded(encoded: CompressedBody) -> dict[str, Any]:
    return dict(json.loads(b"".join(encoded._parts)))


@pytest.fixture
async def viewing(tmp_path: Path) -> Viewing:
    return Viewing(Exporter([tmp_path], Secrets(tmp_path)))


async def test_the_layout_has_names_once_and_words_as_numbers(viewing: Viewing) -> None:
    layout = decoded(viewing.data.layout())
    assert layout["node"] == ["a", "b"]
    assert layout["rack"] == {"words": ["r1", "r2"], "at": [0, 1]}
    assert layout["type"] == {"words": ["compute", "gpu"], "at": [0, 1]}
    assert [reason for reason, *_ in layout["reasons"]] == [reason.value for reason in Reason]


async def test_an_unknown_value_is_null(viewing: Viewing) -> None:
    drawn = viewing.since(0)
    assert (drawn["at"], drawn["watts"], drawn["age_s"]) == ([0, 1], [None, None], [None, None])
    assert (drawn["state"], drawn["reason"], drawn["failing_s"]) == ([None] * 2,) * 3


async def test_only_changes_since_a_revision_are_returned(viewing: Viewing) -> None:
    viewing.store.succeeded("a", Reading(300.04, "dcmi"), 0.01)
    first = viewing.since(0)
    assert (first["at"], first["watts"]) == ([0, 1], [300.0, None])
    viewing.now_s += 1
    assert viewing.since(first["revision"])["at"] == []
    viewing.store.failed("b", ReadError(Reason.CONNECTION_REFUSED, "no"), 0.01)
    viewing.now_s += 1
    second = viewing.since(first["revision"])
    assert second["at"] == [1]
    assert second["reason"] == [list(Reason).index(Reason.CONNECTION_REFUSED)]
    viewing.store.set_state("a", "drained")
    viewing.now_s += 1
    third = viewing.since(second["revision"])
    assert (third["at"], third["states"][third["state"][0]]) == ([0], "drained")


async def test_many_viewers_in_step_cost_one_drawing_a_second(viewing: Viewing) -> None:
    name = viewing.data.layout_name
    first = viewing.data.readings(name, 0)
    assert all(viewing.data.readings(name, 0) is first for _ in range(50))
    viewing.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    assert viewing.data.readings(name, 0) is first
    viewing.now_s += 1
    assert viewing.data.readings(name, 0) is not first


async def test_a_change_within_the_second_is_never_lost_to_anybody(viewing: Viewing) -> None:
    known = viewing.since(0)["revision"]
    viewing.now_s += 0.5
    viewing.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    late = viewing.since(known)
    viewing.now_s += 0.6
    again = viewing.since(late["revision"])
    assert "a" in [["a", "b"][place] for place in (*late["at"], *again["at"])]


async def test_the_name_of_another_layout_is_returned_instead_of_its_readings(
    viewing: Viewing,
) -> None:
    before = viewing.data.layout_name
    viewing.store.sync([target("b")])
    viewing.exporter.reloaded_at_s = 2.0
    assert decoded(viewing.data.readings(before, 0)) == {"layout": viewing.data.layout_name}
    assert decoded(viewing.data.layout())["node"] == ["b"]
    assert viewing.since(0)["at"] == [0]


async def test_all_else_comes_as_a_list_for_each_kind_with_every_answer(viewing: Viewing) -> None:
    zone = GridConfig("grid", "FR", "static", StaticIntensity(grams_per_kilowatt_hour=56))
    stores = {one.name: one.store for one in viewing.exporter.registry.listed}
    collectors, grid = stores["collectors"], stores["grids"]
    collectors.sync([CollectorConfig("rapl", "nodes"), CollectorConfig("cpu", "nodes")])
    grid.sync([zone])
    viewing.now_s = time.monotonic()
    grid.succeeded(zone.key, CarbonIntensity.from_grams_per_kwh(56), 0.01)
    collectors.failed("rapl", ReadError(Reason.ABSENT, "no counters here"), 0.01)
    schedulers, lustre, instruments, units, energy, zones = viewing.since(0)["lists"]
    assert units["items"] == energy["items"] == []
    assert schedulers == {"title": "Schedulers", "items": []}
    assert lustre == {"title": "Lustre", "items": []}
    node, unknown = viewing.exporter.host.node, {"found": None, "age_s": None}
    assert (instruments["title"], zones["title"]) == ("Collectors", "Grids")
    rapl, cpu = instruments["items"]
    assert rapl.pop("failing_s") == pytest.approx(0, abs=1)
    assert rapl == {
        **unknown, "node": node, "method": "rapl",
        "reason": list(Reason).index(Reason.ABSENT), "message": "no counters here",
    }  # fmt: skip
    assert cpu == {
        **unknown, "node": node, "method": "cpu",
        "reason": None, "message": None, "failing_s": None,
    }  # fmt: skip
    (item,) = zones["items"]
    assert item["age_s"] == pytest.approx(0, abs=1)
    assert (item["node"], item["method"], item["found"]) == ("FR", "static", "56 g/kWh")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(power_target('[{names: "n[1-3]", rack: r1}]'))
    return tmp_path


async def test_the_layout_is_fetched_again_only_when_it_has_changed(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        async with site.get("/fleet/layout") as response:
            etag = response.headers["ETag"]
            assert (await response.json())["node"] == ["n1", "n2", "n3"]
        async with site.get("/fleet/layout", **{"If-None-Match": etag}) as response:
            assert response.status == 304
        await site.exporter.reload()
        async with site.get("/fleet/layout", **{"If-None-Match": etag}) as response:
            assert response.status == 200


@pytest.mark.parametrize("since", ["", "-1", "x", "9" * 40, "１"])
async def test_a_revision_that_is_none_is_taken_for_the_first(directory: Path, since: str) -> None:
    async with RunningExporter(directory) as site:
        name = (await site.json("/fleet/layout"))["layout"]
        drawn = await site.json(f"/fleet/readings?layout={name}&since={since}")
        assert drawn["at"] == [0, 1, 2]


async def test_the_page_allows_nothing_but_its_own_files_and_serves_no_other(
    directory: Path,
) -> None:
    async with RunningExporter(directory) as site:
        async with site.get("/") as response:
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "unsafe" not in policy
        async with site.get("/fleet/main.js") as response:
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/javascript")
            assert response.headers["Cache-Control"] == "no-cache"
            etag = response.headers["ETag"]
        async with site.get("/fleet/main.js", **{"If-None-Match": etag}) as response:
            assert response.status == 304
        for path in ("/fleet/none.js", "/fleet/..%2fapp.py", "/fleet/%2e%2e%2fapp.py", "/fleet/"):
            async with site.get(path) as response:
                assert response.status == 404


async def test_a_target_has_its_session_and_its_hour(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        await site.until(lambda text: 'node_power_usage{node="n1"' in text)
        site.exporter.history.sample()
        more = await site.json("/fleet/target?node=n1")
        assert more["session"] == ""
        assert len(more["watts"]) == 1
        assert (await site.json("/fleet/target?node=none"))["watts"] == []
        assert len((await site.json("/fleet/sum"))["watts"]) == 1
