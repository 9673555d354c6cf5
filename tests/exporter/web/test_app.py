from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.web.plain_page import render
from tests.exporter.running_exporter import RunningExporter, power_target
from tests.exporter.store.test_targets import target

LOOPS = ("attended",)

FLEET = '[{names: "n[1-3]", type: compute, rack: r1}, {names: odd, rack: "<b>x</b>"}, {names: bad, adress: y}]'
BINDING = """---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {name: prod}
spec:
  cluster: alpha
  interval: 200ms
  noop: {states: [{names: "n[1-2]", state: allocated}, {names: n3, state: drained}]}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    spec = "{interval: 200ms, schedulerRef: {name: prod}}"[1:-1].replace(", ", "\n  ")
    (tmp_path / "lab.yaml").write_text(power_target(FLEET, spec=spec) + BINDING)
    return tmp_path


async def test_the_page_has_watts_with_type_rack_and_state(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        text = await site.until(lambda text: "drained" in text and "invalid_entry" in text)
        async with site.get("/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'node_power_usage{node="n3",type="compute",rack="r1",state="drained"} ' in text
        state = '{node="n1",scheduler="prod",cluster="alpha",state="allocated"}'
        assert f"rackwatt_node_state{state} 1\n" in text
        assert 'rackwatt_target_errors_total{node="bad",reason="invalid_entry"} ' in text
        assert "rackwatt_document_problems 1\n" in text
        assert 'rackwatt_targets{powertarget="lab"} 5\n' in text


async def test_openmetrics_and_gzip_are_served_where_the_client_accepts_them(
    directory: Path,
) -> None:
    async with RunningExporter(directory) as site:
        await site.until(lambda text: "node_power_usage{" in text)
        accepted = {
            "Accept": "application/openmetrics-text;version=1.0.0",
            "Accept-Encoding": "gzip",
        }
        async with site.get("/metrics", **accepted) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert response.headers["Content-Type"].startswith("application/openmetrics-text")
            families = list(parse_openmetrics(await response.text()))
        assert any(family.name == "node_power_usage" for family in families)
        async with site.get("/metrics", **{"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers


async def test_any_number_of_scrapes_asks_no_target_anything(directory: Path) -> None:
    (directory / "lab.yaml").write_text(power_target("[{names: n1}]", spec="interval: 1h"))
    async with RunningExporter(directory) as site:
        await site.until(lambda text: 'reads_total{node="n1"} 1\n' in text)
        for _ in range(20):
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
            assert 'reads_total{node="n1"} 1\n' in await site.text("/metrics", **headers)


async def test_the_status_has_counts_and_failing_targets(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        await site.until(lambda text: text == "ready\n", "/readyz")
        await site.until(lambda text: 'state="drained"' in text)
        status = await site.json()
        assert status["targets"]["configured"] == 5
        assert status["targets"]["failing"] == 1
        assert status["reasons"] == {"invalid_entry": 1}
        assert status["failing"][0]["node"] == "bad"
        assert "did you mean address?" in status["failing"][0]["message"]
        assert status["schedulers"][0]["nodes"] == {"allocated": 2, "drained": 1}
        assert "hosts[2].adress" in status["documents"]["first_problems"][0]
        assert status["powertargets"]["lab"]["configured"] == 5
        n3 = await site.json("/status?node=n3")
        assert (n3["state"], n3["up"], n3["method"]) == ("drained", True, "fake")
        assert (await site.json("/status?failing=0"))["failing"] == []
        async with site.get("/status?node=none") as response:
            assert response.status == 404


async def test_the_status_stays_small_whatever_the_fleet(directory: Path) -> None:
    hosts = '[{names: "n[1-3000]", address: "{name} "}]'
    (directory / "lab.yaml").write_text(power_target(hosts, spec="interval: 1s"))
    async with RunningExporter(directory) as site:
        for _, poller, _ in list(site.exporter.registry.targets._pollers._pollers.values()):
            await poller.poll()
        assert (await site.json())["reasons"] == {"invalid_entry": 3000}
        assert len(await site.text("/status")) < 32_000
        assert len((await site.json("/status?failing=99999"))["failing"]) == 1000


async def test_the_plain_page_has_failing_targets_first_and_escapes_names(
    directory: Path,
) -> None:
    async with RunningExporter(directory) as site:
        text = await site.until(
            lambda text: "allocated" in text and "invalid_entry" in text, "/plain"
        )
        assert "<b>x</b>" not in text
        assert "&lt;b&gt;x&lt;/b&gt;" in text
        assert text.index(">bad<") < text.index(">n1<")
        assert '<th scope="col">Jobs</th>' in text
        assert "<td>not known</td>" in text, "which is not none"
        async with site.get("/plain") as response:
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_plain_page_counts_powered_off_targets_separately(tmp_path: Path) -> None:
    exporter = Exporter([tmp_path], Secrets(tmp_path))
    exporter.targets.sync([target("a"), target("b")])
    exporter.targets.failed("a", ReadError(Reason.POWERED_OFF, "the machine is off"), 0.01)
    exporter.targets.failed("b", ReadError(Reason.TIMEOUT, "no answer"), 0.01)
    page = render(exporter, 0.0, 1, "/metrics")
    assert "0 of 2 targets measured, 1 failing, 1 powered off. No watts yet." in page


async def test_a_large_fleet_is_shown_page_by_page(directory: Path) -> None:
    (directory / "lab.yaml").write_text(
        power_target('[{names: "n[0001-1200]"}]', spec="interval: 1h")
    )
    async with RunningExporter(directory) as site:
        first, third = await site.text("/plain"), await site.text("/plain?page=3")
        assert "Page 1 of 3" in first
        assert ">n0001<" in first
        assert ">n1200<" in third
        assert ">n1200<" not in first


async def test_the_plain_page_has_schedulers_collectors_and_zones(directory: Path) -> None:
    (directory / "lab.yaml").write_text(BINDING)
    async with RunningExporter(directory) as site:
        await site.until(lambda text: text == "ready\n", "/readyz")
        text = await site.text("/plain")
        assert "Scheduler prod (noop): 2 allocated, 1 drained." in text
        assert "No document configures a target for this exporter." in text
        assert "<table>" not in text


async def test_the_plain_list_has_a_value_beside_the_failure_of_the_last_read(
    directory: Path,
) -> None:
    (directory / "lab.yaml").write_text(BINDING)
    async with RunningExporter(directory) as site:
        await site.until(lambda text: text == "ready\n", "/readyz")
        site.exporter.schedulers.failed("prod", ReadError(Reason.TIMEOUT, "no answer"), 0.01)
        line = "Scheduler prod (noop): 2 allocated, 1 drained; timeout, no answer."
        assert line in render(site.exporter, 0.0, 1, "/metrics")


async def test_the_fleet_page_is_served_where_anything_is_measured(directory: Path) -> None:
    (directory / "lab.yaml").write_text("")
    async with RunningExporter(directory) as site:
        assert "No document configures a target for this exporter." in await site.text("/")
        (directory / "lab.yaml").write_text(BINDING)
        await site.exporter.reload()
        assert "fleet/main.js" in await site.text("/")


async def test_readiness_waits_for_the_first_round_and_needs_a_fleet(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        await site.until(lambda text: text == "ready\n", "/readyz")
        assert await site.text("/healthz") == "ok\n"
    (directory / "lab.yaml").write_text("")
    async with RunningExporter(directory) as site, site.get("/readyz") as response:
        assert response.status == 503
        assert "no targets" in await response.text()


async def test_the_telemetry_path_can_be_moved_even_to_the_root(directory: Path) -> None:
    async with RunningExporter(directory, "/power") as site:
        assert "rackwatt_build_info" in await site.text("/power")
        assert 'href="/power"' in await site.text("/plain")
        assert (await site.json("/fleet/layout"))["telemetry_path"] == "/power"
    async with RunningExporter(directory, "/") as site:
        assert "rackwatt_build_info" in await site.text("/")
        assert ">n1<" in await site.text("/plain")
