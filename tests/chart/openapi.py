"""What a real API server publishes of its kinds, as kubeconform reads it.

The same is on the network for released versions; this asks the server that is here, which knows
the kinds of Prometheus Operator and ours besides.
"""

import json
from pathlib import Path
from typing import Any

from tests.cluster.clients import Api

LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
_KINDS = "x-kubernetes-group-version-kind"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def kinds(api: Api) -> set[str]:
    """Name the kinds that the server publishes; those of a new CRD follow in a moment."""
    definitions = api.get("/openapi/v2")["definitions"].values()
    return {kind["kind"] for definition in definitions for kind in definition.get(_KINDS, ())}


def write_schemas(api: Api, folder: Path) -> None:
    """Write a strict JSON Schema for every kind that the server knows."""
    definitions = api.get("/openapi/v2")["definitions"]
    definitions[_QUANTITY] = {"type": ["string", "number"]}
    strict = {name: _strict(definition) for name, definition in definitions.items()}
    shared = folder / "definitions.json"
    shared.write_text(json.dumps(strict))
    for name, definition in definitions.items():
        for kind in definition.get(_KINDS, ()):
            group = kind["group"].partition(".")[0]
            suffix = "-".join(filter(None, (group, kind["version"])))
            path = folder / f"{kind['kind'].lower()}-{suffix}.json"
            path.write_text(json.dumps({"$ref": f"{shared.name}#/{name}"}))


def _strict(part: Any) -> Any:
    if isinstance(part, list):
        return [_strict(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _strict(value) for key, value in part.items()}
    if isinstance(reference := part.get("$ref"), str):
        return {"$ref": "definitions.json#/" + reference.rpartition("/")[2]}
    if part.get("format") == "int-or-string" or part.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    if part.get("type") == "object" and "properties" in part:
        made.setdefault("additionalProperties", False)
    return made
