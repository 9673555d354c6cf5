"""Available says which collectors are not ready, in words that cannot be read the other way."""

import pytest

from rackwatt_crds.loading import parse_document
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.params import MONITORING
from rackwatt_operator.status.conditions import available
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.workload import Workload
from tests.operator.kube_user import fleet


def shard(index: int, ready: int, current: bool = True) -> Workload:
    return Workload(ObjectKey("Deployment", "centre", f"pt-lab-{index}"), 1, ready, current)


@pytest.mark.parametrize(
    ("workloads", "message"),
    [
        (
            [shard(0, 0)],
            "0 of 1 collectors are ready; those of pt-lab-0 are not: if it lasts, kubectl describe "
            "of the pods shows why",
        ),
        (
            [shard(0, 1), shard(1, 0), shard(2, 0)],
            "1 of 3 collectors are ready; those of pt-lab-1 are not; those of pt-lab-2 are not: if "
            "it lasts, kubectl describe of the pods shows why",
        ),
        ([shard(0, 1, current=False)], "1 of 1 collectors are ready: a change is being rolled out"),
    ],
)
def test_what_is_not_ready_is_named(workloads: list[Workload], message: str) -> None:
    document = parse_document(fleet("lab", "centre"), "").document
    inputs = StatusInputs(
        document, (), (), None, frozenset(), MONITORING, workloads=tuple(workloads)
    )
    assert available(inputs).message == message
