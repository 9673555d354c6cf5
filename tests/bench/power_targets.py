"""A thousand documents as people have them: small fleets, a few in shards, nodes, the grid."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rackwatt_crds.loading import parse_document
from rackwatt_operator.kube.cached_object import APPLIED_HASH
from rackwatt_operator.kube.client import Manifest
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.params import BuildFailure, Facts
from tests.operator.kube_user import document, fleet, nodes

_TEN = ("fleet",) * 6 + ("shards", "node", "node", "grid")


def power_targets(count: int, namespace: str) -> list[Manifest]:
    """Write so many documents: of ten, six fleets, one in two shards, two of nodes, one of a grid."""
    return [_one(_TEN[number % 10], f"rack-{number}", namespace) for number in range(count)]


def is_fleet(document: Manifest) -> bool:
    """Return whether a document has hosts that can be changed."""
    return "bmc" in document["spec"]


def _one(what: str, name: str, namespace: str) -> Manifest:
    if what == "node":
        return nodes(name, namespace)
    if what == "grid":
        static = {"gramsPerKilowattHour": 56}
        return document("PowerTarget", name, namespace, {"grid": {"zone": "FR", "static": static}})
    return fleet(name, namespace, bmc={"shards": 2} if what == "shards" else {})


def children(raw: Manifest) -> Iterator[Manifest]:
    """Make what the operator applies for a document that is there, to the byte but for its digest."""
    loaded = parse_document(msgspec.json.decode(msgspec.json.encode(raw)), "PowerTarget")
    assert loaded.document, loaded.problems
    made = plan(raw, loaded.document, Facts(), Defaults())
    assert not isinstance(made, BuildFailure), made
    for manifest in made:
        metadata: dict[str, Any] = manifest["metadata"]
        annotations = {**metadata.get("annotations", {}), APPLIED_HASH: "0" * 24}
        yield manifest | {"metadata": metadata | {"annotations": annotations}}
