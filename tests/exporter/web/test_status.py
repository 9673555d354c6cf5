"""The schema of /status, which the operator reads: a change here changes the interface."""

from pathlib import Path
from typing import Any

from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.remedies import REMEDIES
from tests.eventually import PATIENCE_S
from tests.exporter.running_exporter import RunningExporter, power_target

LOOPS = ("attended",)

BINDING = """---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {name: prod}
spec:
  cluster: alpha
  interval: 200ms
  noop: {states: [{names: "n[1-2]", state: allocated}]}
"""
INSIDE = """---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 200ms, node: {collectors: [cpu, rapl]}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: france}
spec: {interval: 200ms, grid: {zone: FR, static: {gramsPerKilowattHour: 56}}}
"""
HEALTH = {
    "up": "bool",
    "age_s": "float",
    "took_s": "float",
    "reason": "NoneType",
    "message": "NoneType",
    "remedy": "NoneType",
    "failing_for_s": "NoneType",
    "reads": "int",
    "errors": {},
}
HOSTS = """
      - {names: "n[1-2]"}
      - {names: "b[1-3]", method: ipmi, addresses: "127.0.0.[1-3]", credentials: {secretRef: {name: bmc}}}
      - {names: "b4", method: ipmi, address: "127.0.0.4", credentials: {secretRef: {name: bmc}}}
"""
COUNTS = {"configured", "reachable", "failing", "measured", "watts"}


def shape(value: Any) -> Any:
    """What a reader relies on: the keys, all the way down; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


async def read_once(site: RunningExporter) -> Any:
    await site.until(lambda text: text == "ready\n", "/readyz")
    await site.until(lambda text: "rackwatt_scheduler_nodes" in text)
    return await site.json()


async def test_the_last_scraper_is_known_by_its_header_and_other_clients_do_not_count(
    tmp_path: Path,
) -> None:
    (tmp_path / "lab.yaml").write_text(power_target(HOSTS))
    agent = {"User-Agent": "Prometheus/3.5.0", "X-Prometheus-Scrape-Timeout-Seconds": "10"}
    async with RunningExporter(tmp_path) as site:
        await site.text("/metrics", **{"User-Agent": "curl/8"})
        assert (await site.json())["scraped"] is None
        await site.text("/metrics", **agent)
        await site.text("/metrics", **{"User-Agent": "curl/8"})
        scraped = (await site.json())["scraped"]
    assert scraped["by"] == "Prometheus/3.5.0"
    assert 0 <= scraped["age_s"] < PATIENCE_S


async def test_the_status_has_the_shape_that_the_operator_reads(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target(HOSTS) + BINDING + INSIDE)
    host = HostPaths("n17", sysfs=tmp_path / "none", procfs=Path("/proc"))
    async with RunningExporter(tmp_path, host=host) as site:
        status = await read_once(site)
    assert set(status) == {
        "version", "uptime_s", "scraped", "targets", "powertargets", "reasons", "failing", "schedulers",
        "lustre", "collectors", "units", "energy", "grids", "secrets_missing", "documents",
    }  # fmt: skip
    assert set(status["targets"]) == COUNTS
    assert {name: set(counts) for name, counts in status["powertargets"].items()} == {
        "lab": COUNTS, "nodes": COUNTS, "france": COUNTS,
    }  # fmt: skip
    assert status["reasons"] == {"credentials_missing": 4, "absent": 1}
    failing = next(one for one in status["failing"] if one["powertarget"] == "lab")
    (node,) = [one for one in status["failing"] if one["powertarget"] == "nodes"]
    assert (node["node"], node["method"], node["reason"]) == ("n17", "rapl", "absent")
    assert shape({key: failing[key] for key in ("node", "powertarget", "method")}) == {
        "node": "str", "powertarget": "str", "method": "str",
    }  # fmt: skip
    assert shape({key: failing[key] for key in ("reason", "message", "failing_for_s")}) == {
        "reason": "str", "message": "str", "failing_for_s": "float",
    }  # fmt: skip
    assert shape(status["schedulers"]) == [
        {
            "name": "str",
            "cluster": "str",
            "version": "str",
            "nodes": {"allocated": "int"},
            "jobs": "NoneType",
            "unread": "int",
            "note": "NoneType",
            "unmatched": "NoneType",
            "tracing": "NoneType",
            **HEALTH,
        }
    ]
    cpu, rapl = status["collectors"]
    assert shape(cpu) == {
        "collector": "str", "powertarget": "str", "node": "str", "watts": "NoneType", **HEALTH,
    }  # fmt: skip
    assert (rapl["node"], rapl["up"], rapl["reason"]) == ("n17", False, "absent")
    assert rapl["failing_for_s"] >= 0
    assert status["powertargets"]["nodes"] == {
        "configured": 1, "reachable": 1, "failing": 1, "measured": 0, "watts": None,
    }  # fmt: skip
    assert shape(status["grids"]) == [
        {
            "powertarget": "str",
            "zone": "str",
            "provider": "str",
            "grams_per_kilowatt_hour": "float",
            **HEALTH,
        }
    ]
    assert shape(status["secrets_missing"]) == [
        {"secret": "str", "key": "str", "first_reference": "str", "affected_targets": "int"}
    ]
    assert set(status["documents"]) == {"reloaded_at_s", "count", "problems", "first_problems"}


async def test_the_advice_is_that_of_the_cause_and_else_that_of_the_reason(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]", spec="interval: 1h") + BINDING)
    async with RunningExporter(tmp_path) as site:
        for remedy in ("Do \x1bthis.", None):
            error = ReadError(Reason.TLS_FAILED, "no cipher in common", remedy=remedy)
            site.exporter.targets.failed("n1", error, 0.1)
            site.exporter.schedulers.failed("prod", error, 0.1)
            found = await site.json("/status?node=n1"), (await site.json())["schedulers"][0]
            advice = "Do \ufffdthis." if remedy else REMEDIES[Reason.TLS_FAILED].remedy
            assert [each["remedy"] for each in found] == [advice, advice]


async def test_a_secret_that_is_not_there_is_reported_with_its_key_and_document(
    tmp_path: Path,
) -> None:
    (tmp_path / "secrets/bmc").mkdir(parents=True)  # as Kubernetes mounts one that is not there
    (tmp_path / "lab.yaml").write_text(power_target(HOSTS, spec="interval: 30s"))
    async with RunningExporter(tmp_path) as site:
        for _, poller, _ in list(site.exporter.registry.targets._pollers._pollers.values()):
            await poller.poll()
        status = await site.json()
        assert status["secrets_missing"] == [
            {
                "secret": "bmc",
                "key": "username",
                "first_reference": "PowerTarget lab spec.bmc.hosts[1]",
                "affected_targets": 4,
            }
        ]
        assert "Secret bmc is missing, or has no key username" in status["failing"][0]["message"]
        for key in ("username", "password"):
            (tmp_path / "secrets/bmc" / key).write_text("x")
        (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]"))
        await site.exporter.reload()
        assert (await site.json())["secrets_missing"] == []


async def test_a_long_message_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target(f'[{{names: n1, address: "{"x " * 3000}"}}]'))
    async with RunningExporter(tmp_path) as site:
        status = await read_once_failing(site)
        assert len(status["failing"][0]["message"]) <= 1000
        assert all(len(problem) <= 1000 for problem in status["documents"]["first_problems"])


async def read_once_failing(site: RunningExporter) -> Any:
    await site.until(lambda text: "invalid_entry" in text)
    return await site.json()


async def test_names_without_a_match_are_counted_and_listed_and_the_list_is_bounded(
    tmp_path: Path,
) -> None:
    hosts, spec = "[{names: 'n[1-40].example,x.example'}]", "schedulerRef: {name: prod}"
    binding = BINDING.replace("cluster: alpha", "cluster: alpha\n  nodeName: short")
    binding = binding.replace(
        "noop: {",
        "noop: {states: [{names: 'n[1-40]', state: idle}, {names: 'y[10-40]', state: down}]} #",
    )
    (tmp_path / "lab.yaml").write_text(power_target(hosts, spec=spec) + binding)
    async with RunningExporter(tmp_path) as site:
        (scheduler,) = (await read_once(site))["schedulers"]
        page = await site.text("/metrics")
        assert (await site.json("/status?node=n7.example"))["state"] == "idle"
    unmatched = scheduler["unmatched"]
    assert (unmatched["targets"], unmatched["first_targets"]) == (1, ["x.example"])
    assert (unmatched["nodes"], unmatched["first_nodes"]) == (31, [f"y{n}" for n in range(10, 30)])
    name = 'rackwatt_scheduler_unmatched_names{scheduler="prod",cluster="alpha"'
    assert f'{name},side="targets"}} 1' in page
    assert f'{name},side="nodes"}} 31' in page
