"""The schema of the chart's values: what it hands on to the operator comes from the models.

`definitions.pod` and `definitions.monitoring` are made; the rest of the file is written by hand.
Unlike an API server, which drops what it does not know, Helm is told to refuse it.
"""

import json
from typing import Any

from rackwatt_crds.monitoring import Monitoring
from rackwatt_crds.pod import Pod
from rackwatt_crds.schema import schema
from scripts.generated import ROOT

PATH = "charts/rackwatt/values.schema.json"


def values_schema() -> str:
    """Write the whole file anew."""
    written: dict[str, Any] = json.loads((ROOT / PATH).read_text())
    for name, model in (("pod", Pod), ("monitoring", Monitoring)):
        written["definitions"][name] = _strict(schema(model))
    return json.dumps(written, indent=2) + "\n"


def _strict(part: Any) -> Any:
    """Turn a structural schema into JSON Schema that refuses unknown keys."""
    if isinstance(part, list):
        return [_strict(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {
        key: _strict(value) for key, value in part.items() if not key.startswith("x-kubernetes-")
    }
    if part.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if part.get("type") == "object" and "properties" in part:
        made["additionalProperties"] = False
    return made
