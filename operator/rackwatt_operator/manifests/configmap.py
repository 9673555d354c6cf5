"""The ConfigMap of documents: what the collectors read, as its author wrote it.

JSON is YAML, and takes a hundredth of the time to write. A changed document changes only this
object: no pod is rolled, the collectors read it anew and keep their sessions.

Beside a PowerTarget stand the bindings it names, turned so that the collectors ask the binding's
own collector: ten shards cost the scheduler no more than one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rackwatt_crds.document import API_VERSION
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.merge import plain
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.refused import BuildFailure
from rackwatt_operator.manifests.service import PORT
from rackwatt_operator.manifests.web import scheme

KEY = "documents.yaml"
MOST_BYTES = 1024 * 1024
"""What the API server takes in one ConfigMap."""

_OF_READERS = ("tls", "credentials")
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def documents(subject: Params) -> Manifest | BuildFailure:
    """Make the ConfigMap, unless it would be larger than the API server takes."""
    text = "---\n".join(map(_written, _documents(subject)))
    size = len(KEY) + len(text.encode())
    if size > MOST_BYTES:
        return BuildFailure(
            "DocumentTooLarge",
            f"it comes to {-(-size // 1024)} KiB and a ConfigMap holds {MOST_BYTES // 1024} KiB: "
            'write hosts as ranges ("node[001-512]"), or split it into several documents',
        )
    return subject.manifest("v1", "ConfigMap", subject.base, data={KEY: text})


def _documents(subject: Params) -> Iterator[Mapping[str, Any]]:
    yield _document(subject, subject.kind, subject.name, subject.raw.get("spec"))
    for name, spec in subject.bindings.items():
        yield _document(subject, "SchedulerBinding", name, _asked_there(subject, name, spec))


def _document(subject: Params, kind: str, name: str, spec: Any) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": subject.namespace}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _asked_there(subject: Params, name: str, spec: SchedulerBindingSpec) -> Mapping[str, Any]:
    """Turn a binding into one that asks its collector; what it means to its nodes stays."""
    host = f"{naming.base('SchedulerBinding', name)}.{subject.namespace}.svc"
    kept = {
        "nodeName": spec.node_name,
        "interval": spec.interval,
        "timeout": spec.timeout,
        "staleAfter": spec.stale_after,
    }
    said = {key: word for key, word in kept.items() if word is not None}
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
