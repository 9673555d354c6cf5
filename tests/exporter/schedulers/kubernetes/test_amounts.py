"""What pods hold: the rules of the scheduler of Kubernetes, on pods without an API server."""

from typing import Any

import msgspec

from rackwatt_exporter.schedulers.kubernetes.amounts import Amount, requested, resources
from rackwatt_exporter.schedulers.kubernetes.objects import PodSpec
from rackwatt_exporter.schedulers.model.resources import Gres, Resources


def held(*containers: dict[str, str], **more: Any) -> Amount:
    """Return what a pod of such containers holds."""
    spec = {"containers": [_container(one) for one in containers], **more}
    return requested(msgspec.convert(spec, PodSpec))


def _container(requests: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": requests}, **more}


def test_the_containers_of_a_pod_add_up() -> None:
    gpu = {"nvidia.com/gpu": "1"}
    assert held({"cpu": "1", **gpu}, {"cpu": "500m", "memory": "1Gi", **gpu}) == Amount(
        1500, 2**30, (("nvidia.com/gpu", 2),)
    )


def test_a_container_that_runs_before_counts_where_it_requests_more() -> None:
    first = _container({"cpu": "4", "nvidia.com/gpu": "1"})
    whole = held({"cpu": "1", "memory": "1Gi"}, initContainers=[first])
    assert whole == Amount(4000, 2**30, (("nvidia.com/gpu", 1),))


def test_a_sidecar_runs_beside_those_that_follow_it() -> None:
    sidecar = _container({"cpu": "1"}, restartPolicy="Always")
    first = _container({"cpu": "4"})
    assert held({"cpu": "1"}, initContainers=[sidecar, first]).millicpus == 5000
    assert held({"cpu": "1"}, initContainers=[first, sidecar]).millicpus == 4000


def test_requests_of_the_pod_replace_those_of_its_containers_and_overhead_comes_on_top() -> None:
    whole = held(
        {"cpu": "1", "memory": "1Gi"},
        resources={"requests": {"cpu": "3"}},
        overhead={"memory": "1Gi"},
    )
    assert whole == Amount(3000, 2**31)


def test_what_has_no_domain_is_no_device() -> None:
    requests = {"ephemeral-storage": "1Gi", "hugepages-2Mi": "4Mi", "kubernetes.io/x": "1"}
    assert held(requests) == Amount()


def test_gpus_of_all_vendors_are_called_gpu_and_parts_of_one_by_their_profile() -> None:
    amount = Amount(
        1,
        0,
        (
            ("amd.com/gpu", 1),
            ("gpu.intel.com/i915", 2),
            ("nvidia.com/mig-3g.20gb", 2),
            ("xilinx.com/fpga", 1),
        ),
    )
    gres = (Gres("gpu", 3), Gres("gpu", 2, "3g.20gb"), Gres("xilinx.com/fpga", 1))
    assert resources(amount) == Resources(0.001, 0, gres)
