"""The ConfigMap of documents: what the collectors read, as its author wrote it.

JSON is YAML, and takes a tenth of the time to write. A changed document changes only this object:
no pod is rolled, the collectors read it anew and keep their sessions.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from rackwatt_crds.document import API_VERSION
from rackwatt_operator.plan.refused import Refused
from rackwatt_operator.plan.subject import Manifest, Subject

KEY = "documents.yaml"
MOST_BYTES = 1024 * 1024
"""What the API server takes in one ConfigMap."""

_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def documents(subject: Subject) -> Manifest | Refused:
    """Make the ConfigMap, unless it would be larger than the API server takes."""
    text = "---\n".join(_written(one) for one in [_document(subject)])
    size = len(KEY) + len(text.encode())
    if size > MOST_BYTES:
        return Refused(
            "DocumentTooLarge",
            f"it comes to {size / 2**20:.1f} MiB and a ConfigMap holds 1 MiB: write hosts as "
            'ranges ("node[001-512]"), or split it into several documents',
        )
    return subject.manifest("v1", "ConfigMap", subject.base, data={KEY: text})


def _document(subject: Subject) -> Mapping[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": subject.kind,
        "metadata": {"name": subject.name, "namespace": subject.namespace},
        "spec": subject.raw.get("spec"),
    }


def _written(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
