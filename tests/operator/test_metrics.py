import re
from pathlib import Path

from prometheus_client import generate_latest

from rackwatt_operator.metrics import REGISTRY

PAGE = Path(__file__).parents[2] / "docs/metrics.md"


def test_docs_list_every_metric_family_of_the_operator() -> None:
    text = generate_latest(REGISTRY).decode()
    served = set(re.findall(r"^# TYPE (rackwatt_\w+)", text, re.MULTILINE))
    assert "rackwatt_operator_watch_restarts_total" in served
    assert served <= set(re.findall(r"^\| `(rackwatt_\w+)`", PAGE.read_text(), re.MULTILINE))
