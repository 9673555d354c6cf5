"""The node page: its data over HTTP, and in Debian's Chromium what a person sees of it."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.energy import EnergyConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.energy.last_hour import STEP_S
from rackwatt_exporter.pipelines.energy.source import EnergyView, UnitEnergy
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.remedies import REMEDIES
from rackwatt_exporter.units.model import UnitInfo, UnitKey, UnitReading, UnitsResult
from rackwatt_exporter.web.node_data import MAX_UNITS
from tests.exporter.running_exporter import RunningExporter, power_target
from tests.exporter.web.accessibility import CONTRAST
from tests.exporter.web.node_site import NodeSite
from tests.peers.chromium import Browser, chromium

HOSTILE = "<img src=x onerror=alert(1)>"
STEPS = 20


@asynccontextmanager
async def measured(directory: Path) -> AsyncIterator[tuple[NodeSite, RunningExporter]]:
    """Give an exporter on a machine whose jobs a test moves."""
    node = NodeSite(directory)
    host = HostPaths("n1", node.tree.sysfs, node.tree.procfs, cgroups=node.tree.root)
    async with RunningExporter(node.documents, host=host) as site:
        yield node, site


async def drawn(node: NodeSite, site: RunningExporter) -> Any:
    """Draw energy until the page has it, and give the page's data."""
    async with asyncio.timeout(30):
        while True:
            node.draw(20.0, 0.05, job_7=0.3, job_8=0.1)
            data = await site.json("/node/data")
            if data["watts"] and all(unit["watts"] for unit in data["units"]):
                return data
            await asyncio.sleep(0.1)


def fill(exporter: Exporter, jobs: int = 14) -> None:
    """Give an exporter a node with an hour of history: of jobs that draw 1 W, 2 W …, one ended."""
    registry, now_s = exporter.registry, time.monotonic()
    registry.units.store.sync([UnitsConfig("slurm", "nodes", SlurmUnits())])
    registry.energy.store.sync([EnergyConfig("nodes")])
    readings = tuple(
        UnitReading(
            UnitKey("slurm", str(number)), str(number), cpu_ns=1, cpus=4.0, memory_bytes=3 << 30,
            info=UnitInfo(user=f"{HOSTILE}{number}", account="phys", name=f"<b>{number}</b>"),
        )
        for number in range(1, jobs + 1)
    )  # fmt: skip
    hour = registry.energy.store.last_hour
    for step in range(STEPS + 1):
        covered_s = step * STEP_S
        view = ledger(covered_s, jobs, has_ended=step > STEPS // 2)
        hour.observe(now_s - (STEPS - step) * STEP_S, view, readings)
    registry.units.store.succeeded("slurm", UnitsResult(readings[:-1]), 0.01)
    registry.energy.store.succeeded("energy", view, 0.01)


def ledger(covered_s: float, jobs: int, has_ended: bool) -> EnergyView:
    """Return a ledger of jobs of 1 W, 2 W … and 50 W of the idle machine; the last job may end."""
    half_s = STEPS // 2 * STEP_S
    joules = {n: n * covered_s for n in range(1, jobs + 1)}
    if has_ended:
        joules[jobs] = jobs * half_s
    units = {
        ("slurm", str(n)): UnitEnergy(used, 0.0 if has_ended and n == jobs else float(n))
        for n, used in joules.items()
    }
    total = sum(joules.values())
    return EnergyView(
        source="rapl", awaited="", gpus="separate", measured=total + 50 * covered_s,
        units_total=total, idle=50 * covered_s, system=0.0, unattributed=0.0, imbalance=0.0,
        covered_s=covered_s, idle_watts=50.0, units=units,
    )  # fmt: skip


async def test_the_data_of_a_node_has_its_jobs_its_source_and_the_health_of_all(
    tmp_path: Path,
) -> None:
    async with measured(tmp_path) as (node, site):
        data = await drawn(node, site)
    assert (data["node"], data["measured"], data["divided"]) == ("n1", True, True)
    (energy,) = data["energy"]
    assert (energy["source"], energy["gpus"], energy["idle_watts"]) == ("rapl", "none", 10.0)
    units = {unit["unit"]: unit for unit in data["units"]}
    assert set(units) == {"7", "8"}
    assert (units["7"]["manager"], units["7"]["running"], units["7"]["cpus"]) == ("slurm", True, 2)
    assert units["7"]["memory_bytes"] == (1 << 30) + 4096
    assert units["7"]["watts"] > units["8"]["watts"] > 0
    assert sum(unit["watts"] for unit in units.values()) == pytest.approx(
        data["parts"]["units"], rel=0.02
    )
    assert sum(data["parts"].values()) == pytest.approx(data["watts"], abs=0.01)
    assert units["7"]["share"] == pytest.approx(units["7"]["watts"] / data["watts"], abs=0.001)
    assert [unit["unit"] for unit in data["units"]] == ["7", "8"], "those that draw most first"
    health = {one["collector"]: one for one in data["collectors"]}
    assert (health["rapl"]["up"], health["hwmon"]["up"]) == (True, False)
    assert health["hwmon"]["reason"] == Reason.ABSENT
    assert health["hwmon"]["remedy"] == REMEDIES[Reason.ABSENT].remedy
    assert [one["manager"] for one in data["managers"]] == ["slurm", "pbs"]


async def test_the_status_of_this_node_has_the_same_as_its_page(tmp_path: Path) -> None:
    async with measured(tmp_path) as (node, site):
        page = await drawn(node, site)
        status = await site.json("/status?node=n1")
        assert status["node"] == "n1"
        inside = status["inside"]
        assert inside.keys() == page.keys() - {"hour", "telemetry_path"}
        assert {unit["unit"] for unit in inside["units"]} == {"7", "8"}
        async with site.get("/status?node=n2") as response:
            assert response.status == 404


async def test_the_status_of_a_target_that_is_this_node_has_both(tmp_path: Path) -> None:
    node = NodeSite(tmp_path)
    (node.documents / "bmc.yaml").write_text(power_target("[{names: n1}, {names: n2}]"))
    host = HostPaths("n1", node.tree.sysfs, node.tree.procfs, cgroups=node.tree.root)
    async with RunningExporter(node.documents, host=host) as site:
        await drawn(node, site)
        both = await site.json("/status?node=n1")
        assert both["method"] == "fake"
        assert both["inside"]["watts"] > 0
        assert "inside" not in await site.json("/status?node=n2")
        assert (await site.json("/fleet/layout"))["inside"] == "n1"


async def test_the_data_without_a_node_say_so_and_the_fleet_has_no_link(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]"))
    async with RunningExporter(tmp_path, host=HostPaths("n1")) as site:
        data = await site.json("/node/data")
        assert (data["measured"], data["watts"], data["parts"]) == (False, None, None)
        assert data["units"] == data["collectors"] == data["managers"] == data["energy"] == []
        assert (await site.json("/fleet/layout"))["inside"] is None
        assert "inside" not in await site.json("/status?node=n1")


async def test_viewers_of_an_interval_get_the_same_bytes_and_no_cache_keeps_them(
    tmp_path: Path,
) -> None:
    async with measured(tmp_path) as (_, site):
        async with site.get("/node/data") as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Content-Type"] == "application/json"
            first = await response.read()
        assert await site.text("/node/data") == first.decode()


async def test_the_page_and_its_files_come_from_here_alone(tmp_path: Path) -> None:
    async with measured(tmp_path) as (_, site):
        async with site.get("/node") as response:
            assert "script-src 'self'" in response.headers["Content-Security-Policy"]
            page = await response.text()
        for path in re.findall(r'(?:href|src)="((?:node|fleet)/[^"]+)"', page):
            async with site.get(f"/{path}") as response:
                assert response.status == 200, path
        assert "//" not in re.sub(r"<svg.*?</svg>", "", page.replace("<!doctype html>", ""))
        async with site.get("/node/none.js") as response:
            assert response.status == 404


async def test_the_data_are_bounded_whatever_the_node_runs(tmp_path: Path) -> None:
    async with RunningExporter(tmp_path, host=HostPaths("n1")) as site:
        fill(site.exporter, jobs=2000)
        data = await site.json("/node/data")
        assert (data["unit_count"], len(data["units"])) == (2000, MAX_UNITS)
        assert len(data["hour"]["units"]) == 10
        assert len(json.dumps(data)) < 200_000
        assert data["units"][0]["watts"] == 1999.0


async def test_the_hour_keeps_a_job_that_has_ended_with_its_user(tmp_path: Path) -> None:
    async with RunningExporter(tmp_path, host=HostPaths("n1")) as site:
        fill(site.exporter)
        data = await site.json("/node/data")
    hour = {unit["unit"]: unit for unit in data["hour"]["units"]}
    assert hour["14"]["watts"] == [14.0] * (STEPS // 2) + [0.0] * (STEPS // 2)
    assert hour["14"]["user"] == f"{HOSTILE}14"
    assert data["hour"]["parts"]["idle"] == [50.0] * STEPS
    ended = next(unit for unit in data["units"] if unit["unit"] == "14")
    assert (ended["running"], ended["watts"], ended["share"]) == (False, None, None)
    assert ended["joules"] == 14 * STEPS / 2 * STEP_S


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


async def seen(browser: Browser, directory: Path, look: Callable[[str], None]) -> None:
    """Let a person look at the page of a node with an hour of history."""
    async with RunningExporter(directory, host=HostPaths("n1")) as site:
        fill(site.exporter)

        def open_page() -> None:
            browser.theme("light")
            browser.open(f"{site.url}/node")
            browser.until(lambda: browser.count("#units tbody tr") == 14)
            look(site.url)
            assert browser.complaints() == []

        await asyncio.to_thread(open_page)


async def test_a_person_sees_the_hour_by_unit_and_the_table(
    browser: Browser, tmp_path: Path
) -> None:
    def look(_: str) -> None:
        assert browser.text("#sum-watts") == "141 W", "1 W to 13 W, and 50 W of the idle machine"
        assert browser.count("#plot polygon") == 12
        names = browser.run(
            "return [...document.querySelectorAll('#bands .name')].map((e) => e.textContent)"
        )
        assert names[0] == f"slurm 13 · {HOSTILE}13"
        assert names[-2:] == ["other units", "idle machine"]
        assert browser.text("#moment") == "now: 141 W"
        first = (
            "return [...document.querySelector('#units tbody tr').cells].map((e) => e.textContent)"
        )
        assert browser.run(first) == [
            "13 <b>13</b>", "slurm", f"{HOSTILE}13", "phys", "4", "0", "3 GiB", "13 W", "9.2 %", "2.2 Wh",
        ]  # fmt: skip
        assert "ended" in browser.text("#units tbody tr.ended")
        assert browser.count("#units img, #units b, #bands img") == 0
        assert "rapl" in browser.text("#facts")
        assert "50 W" in browser.text("#facts")

    await seen(browser, tmp_path, look)


async def test_keys_and_the_pointer_move_through_the_hour_and_screen_readers_hear_it(
    browser: Browser, tmp_path: Path
) -> None:
    def look(_: str) -> None:
        plot = browser.find("#plot")
        browser.run("document.getElementById('plot').focus()")
        browser.press(Keys.ARROW_LEFT)
        assert browser.text("#moment") == "30 s ago: 141 W"
        browser.press(Keys.HOME)
        assert browser.text("#moment") == "9 min ago: 155 W", "the job that ended ran then"
        heard = plot.get_attribute("aria-valuetext")
        assert heard is not None
        assert heard.startswith(f"9 min ago: 155 W, idle machine 50 W, slurm 14 · {HOSTILE}14 14 W")
        assert (plot.get_attribute("role"), plot.get_attribute("aria-valuenow")) == ("slider", "0")
        browser.press(Keys.END)
        assert browser.text("#moment") == "now: 141 W"
        box = browser.run(
            "const b = document.getElementById('plot').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
        )
        x, y = box[0] + box[2] * 0.25, box[1] + box[3] - 5
        browser.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        browser.until(lambda: browser.text("#moment").startswith("7 min ago: 155 W"))
        assert browser.text("#bands .pointed .name") == "idle machine"

    await seen(browser, tmp_path, look)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_words_are_legible(browser: Browser, tmp_path: Path, theme: str) -> None:
    def look(_: str) -> None:
        browser.theme(theme)
        assert browser.run(CONTRAST) == []

    await seen(browser, tmp_path, look)


async def test_every_control_has_an_accessible_name(browser: Browser, tmp_path: Path) -> None:
    def look(_: str) -> None:
        browser.devtools("Accessibility.enable")
        nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
        browser.devtools("Accessibility.disable")
        roles = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored")
        ]
        wanted = ("slider", "heading", "link", "region", "table", "complementary")
        for role in wanted:
            assert [name for kind, name in roles if kind == role], role
            assert all(name for kind, name in roles if kind == role), role
        assert ("columnheader", "Power") in roles

    await seen(browser, tmp_path, look)


@pytest.mark.parametrize("width", [400, 720, 1000, 1440])
async def test_at_no_width_does_the_page_scroll_sideways(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    def look(_: str) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.devtools("Emulation.setDeviceMetricsOverride", **size)
        try:
            widest = browser.run("return document.documentElement.scrollWidth")
            assert widest <= browser.run("return innerWidth")
        finally:
            browser.devtools("Emulation.clearDeviceMetricsOverride")

    await seen(browser, tmp_path, look)


async def test_a_real_node_refreshes_by_itself_and_says_what_fails_and_what_to_do(
    browser: Browser, tmp_path: Path
) -> None:
    async with measured(tmp_path) as (node, site):
        await drawn(node, site)

        def look() -> None:
            browser.open(f"{site.url}/node")
            browser.until(lambda: browser.count("#units tbody tr") == 2)
            assert browser.text("#collectors .failing .name") == "hwmon"
            trouble = browser.text("#collectors .failing .what")
            assert trouble.startswith("absent: ")
            assert REMEDIES[Reason.ABSENT].remedy.replace("`", "") in trouble
            assert browser.text("#announcement") == "1 failing: hwmon: absent."
            assert "waits" not in browser.text("#managers")
            assert browser.count("#hour") == 0
            assert "No history yet" in browser.text("#hour-none")

        def look_again() -> None:
            browser.until(lambda: browser.count("#units tbody tr") == 3)
            browser.open(f"{site.url}/")
            browser.until(lambda: browser.count("header .inside") == 1)
            browser.find("header .inside").click()
            browser.until(lambda: browser.count("#units tbody tr") == 3)
            assert browser.complaints() == []

        await asyncio.to_thread(look)
        node.draw(5.0, job_9=0.5)
        await asyncio.to_thread(look_again)


async def test_the_fleets_details_of_this_node_lead_to_its_page(
    browser: Browser, tmp_path: Path
) -> None:
    node = NodeSite(tmp_path)
    (node.documents / "bmc.yaml").write_text(power_target("[{names: n1}, {names: n2}]"))
    host = HostPaths("n1", node.tree.sysfs, node.tree.procfs, cgroups=node.tree.root)
    async with RunningExporter(node.documents, host=host) as site:

        def look() -> None:
            browser.open(f"{site.url}/#node=n2")
            browser.until(lambda: browser.text("#details-title") == "n2")
            assert browser.count("#details .inside") == 0
            browser.open(f"{site.url}/#node=n1")
            browser.until(lambda: browser.count("#details .inside a") == 1)
            browser.find("#details .inside a").click()
            browser.until(lambda: browser.text("#node") == "n1")

        await asyncio.to_thread(look)


async def test_where_no_node_is_measured_the_page_says_how(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]"))
    async with RunningExporter(tmp_path, host=HostPaths("n1")) as site:

        def look() -> None:
            browser.open(f"{site.url}/node")
            browser.until(lambda: browser.count("#how") == 1)
            assert "units: {slurm: {}}" in browser.text("#how pre")
            assert browser.count("#known") == 0
            assert browser.text("#sum-watts") == "—"
            assert browser.complaints() == []

        await asyncio.to_thread(look)


async def test_silence_is_reported_and_what_is_shown_stays(
    browser: Browser, tmp_path: Path
) -> None:
    async with RunningExporter(tmp_path, host=HostPaths("n1")) as site:
        fill(site.exporter)

        def open_page() -> None:
            browser.open(f"{site.url}/node")
            browser.until(lambda: browser.count("#units tbody tr") == 14)

        await asyncio.to_thread(open_page)

    def look() -> None:
        browser.until(lambda: browser.count("#silence") == 1)
        assert "What is shown is old" in browser.text("#silence")
        assert browser.count("#units tbody tr") == 14
        browser.complaints()

    await asyncio.to_thread(look)
