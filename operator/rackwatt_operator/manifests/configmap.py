"""The ConfigMap with the configuration of the collectors: the resource as its author wrote it.

JSON is YAML, and takes a hundredth of the time to write. A change of the resource changes only this
object: pods are not restarted, the collectors reload it and keep their sessions.

The SchedulerBindings that a PowerTarget references are included, rewritten so that the collectors
poll the binding's own collector: ten shards cost the scheduler no more than one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rackwatt_crds.document import API_VERSION
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.merge import plain
from rackwatt_operator.manifests.params import BuildFailure, Manifest, Params
from rackwatt_operator.manifests.service import PORT
from rackwatt_operator.manifests.web import scheme

KEY = "documents.yaml"
MOST_BYTES = 1024 * 1024
"""Limit of the API server for one ConfigMap."""

_OF_READERS = ("tls", "credentials")
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def documents(params: Params) -> Manifest | BuildFailure:
    """Build the ConfigMap, unless it exceeds the limit of the API server."""
    text = "---\n".join(map(_written, _documents(params)))
    size = len(KEY) + len(text.encode())
    if size > MOST_BYTES:
        return BuildFailure(
            "DocumentTooLarge",
            f"it comes to {-(-size // 1024)} KiB and a ConfigMap holds {MOST_BYTES // 1024} KiB: "
            'write hosts as ranges ("node[001-512]"), or split it into several documents',
        )
    return params.manifest("v1", "ConfigMap", params.base, data={KEY: text})


def _documents(params: Params) -> Iterator[Mapping[str, Any]]:
    yield _document(params, params.kind, params.name, params.raw.get("spec"))
    for name, spec in params.bindings.items():
        yield _document(params, "SchedulerBinding", name, _relayed(params, name, spec))


def _document(params: Params, kind: str, name: str, spec: Any) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": params.namespace}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _relayed(params: Params, name: str, spec: SchedulerBindingSpec) -> Mapping[str, Any]:
    """Return a binding that polls the collector of another; settings of its nodes are kept."""
    host = f"{naming.base('SchedulerBinding', name)}.{params.namespace}.svc"
    kept = {
        "nodeName": spec.node_name,
        "interval": spec.interval,
        "timeout": spec.timeout,
        "staleAfter": spec.stale_after,
    }
    said: dict[str, Any] = {key: word for key, word in kept.items() if word is not None}
    if spec.metrics is not None and spec.metrics.exclude is not None:
        said["metrics"] = {"exclude": spec.metrics.exclude}
    exporter: dict[str, Any] = {"url": f"{scheme(spec.web)}://{host}:{PORT}"}
    if spec.web is not None:
        exporter |= {key: one for key, one in plain(spec.web).items() if key in _OF_READERS and one}
    return {"cluster": spec.cluster, **said, "exporter": exporter}


def _written(document: Mapping[str, Any]) -> str:
    text = json.dumps(_sorted(document), ensure_ascii=False, separators=(",", ":"), default=str)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _sorted(value: Any) -> Any:
    """Sort keys at every depth: the same document is the same text, in whatever order it came."""
    if isinstance(value, Mapping):
        items = sorted(((str(key), item) for key, item in value.items()), key=lambda pair: pair[0])
        return {key: _sorted(item) for key, item in items}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
