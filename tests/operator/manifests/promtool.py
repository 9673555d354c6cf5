"""promtool: checks rules, and evaluates which alerts they raise over given series.

The whole of a test is one file of `promtool test rules`, so that it is Prometheus that evaluates.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.operator.manifests.builders import Manifest, only
from tests.peers.prometheus import tool

_LABELS = re.compile(r"Labels:\{(.*)\}$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def check(manifests: list[Manifest], directory: Path) -> str:
    """Check the PrometheusRule; return the output of promtool."""
    path = write(manifests, directory)
    done = subprocess.run(
        [tool("promtool"), "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def raised(
    manifests: list[Manifest], series: Mapping[str, str], alert: str, after: str, directory: Path
) -> list[dict[str, str]]:
    """Return the labels of each instance of an alert that fires after a time.

    `series` maps a family with its own labels to promtool's notation of values, one a minute; the
    labels of the scrape are put to it.
    """
    # No alert is expected, so that promtool prints every one as a difference.
    expected = [{"eval_time": after, "alertname": alert, "exp_alerts": []}]
    return _firing(_tested(manifests, series, {"alert_rule_test": expected}, directory))


def check_empty(
    manifests: list[Manifest], series: Mapping[str, str], queries: Sequence[str], directory: Path
) -> None:
    """Check that queries have no result five minutes after the first value; `series` as above."""
    expected = [{"expr": query, "eval_time": "5m", "exp_samples": []} for query in queries]
    said = _tested(manifests, series, {"promql_expr_test": expected}, directory)
    assert "SUCCESS" in said, said


def _tested(
    manifests: list[Manifest],
    series: Mapping[str, str],
    expected: Mapping[str, Any],
    directory: Path,
) -> str:
    """Run promtool over series; return what it printed."""
    write(manifests, directory)
    labels = ",".join(f'{name}="{value}"' for name, value in _scraped(manifests).items())
    given = [
        {"series": f"{name[:-1]},{labels}}}" if "{" in name else f"{name}{{{labels}}}", "values": v}
        for name, v in series.items()
    ]
    test = {"interval": "1m", "input_series": given, **expected}
    path = directory / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]}))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def _scraped(manifests: list[Manifest]) -> dict[str, str]:
    """Return the labels of a scrape as Prometheus Operator sets them."""
    service = only(manifests, "Service")["metadata"]
    name = only(manifests, "ServiceMonitor")["spec"].get("jobLabel", "")
    known = {re.sub(r"\W", "_", label): value for label, value in service["labels"].items()}
    job = known.get(re.sub(r"\W", "_", name), service["name"])
    return {
        "namespace": service["namespace"],
        "job": job,
        "service": service["name"],
        "pod": "p",
    }


def write(manifests: list[Manifest], directory: Path) -> Path:
    """Write the rules as Prometheus Operator gives them to Prometheus."""
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump(only(manifests, "PrometheusRule")["spec"]))
    return path


def _firing(description: str) -> list[dict[str, str]]:
    """Parse the alerts that promtool prints where none was expected."""
    assert "SUCCESS" in description or "got:[" in description, description
    return [dict(_LABEL.findall(labels)) for labels in _LABELS.findall(description)]
