"""Amounts of resources: what a node can allocate, and what a pod requests.

A pod holds what the scheduler of Kubernetes counts for it: the sum of its containers, or more where
a container that runs before them requests more (k8s.io/component-helpers, resource.PodRequests).
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rackwatt_exporter.schedulers.kubernetes.objects import Container, PodSpec, Requests
from rackwatt_exporter.schedulers.kubernetes.quantity import quantity
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.resources import MAX_GRES, Gres, Resources

_SIDECAR = "Always"
_MILLI = 1000
_GPUS = frozenset({"nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe"})
_MIG = "nvidia.com/mig-"


class Amount(NamedTuple):
    """CPUs in thousandths, bytes of memory, and extended resources by their names."""

    millicpus: int = 0
    memory_bytes: int = 0
    extended: tuple[tuple[str, int], ...] = ()

    def plus(self, other: "Amount") -> "Amount":
        """Return the sum of two amounts."""
        extended = self.extended
        if other.extended:
            extended = tuple(
                sorted((Counter(dict(extended)) + Counter(dict(other.extended))).items())
            )
        return Amount(
            self.millicpus + other.millicpus, self.memory_bytes + other.memory_bytes, extended
        )

    def at_least(self, other: "Amount") -> "Amount":
        """Return the larger of two amounts of each resource."""
        if other == NOTHING:
            return self
        extended = Counter(dict(self.extended)) | Counter(dict(other.extended))
        return Amount(
            max(self.millicpus, other.millicpus),
            max(self.memory_bytes, other.memory_bytes),
            tuple(sorted(extended.items())),
        )


NOTHING = Amount()


def amount(requests: Requests | None) -> Amount:
    """Return the amount that a list of resources names.

    Raises:
        ValueError: a quantity is none.
    """
    if not requests:
        return NOTHING
    extended = ((key, quantity(text)) for key, text in requests.items() if _is_extended(key))
    return Amount(
        quantity(requests.get("cpu", "0"), _MILLI),
        quantity(requests.get("memory", "0")),
        tuple(sorted((key, count) for key, count in extended if count)),
    )


def requested(spec: PodSpec) -> Amount:
    """Return what a pod holds of its node.

    Raises:
        ValueError: a quantity is none.
    """
    sidecars, before = NOTHING, NOTHING
    for container in spec.init_containers or ():
        one = _of(container)
        if container.restart_policy == _SIDECAR:
            sidecars = sidecars.plus(one)
            one = NOTHING
        before = before.at_least(sidecars.plus(one))
    total = _sum(map(_of, spec.containers or ())).plus(sidecars).at_least(before)
    said = spec.resources.requests if spec.resources else None
    if said:  # those of the pod as a whole count instead
        pod = amount(said)
        total = total._replace(
            millicpus=pod.millicpus if "cpu" in said else total.millicpus,
            memory_bytes=pod.memory_bytes if "memory" in said else total.memory_bytes,
        )
    return total.plus(amount(spec.overhead))


@lru_cache(4096)
def resources(amount: Amount) -> Resources:
    """Return an amount in the words of the model; equal ones are one object."""
    cpus, rest = divmod(amount.millicpus, _MILLI)
    counts: Counter[tuple[str, str]] = Counter()
    for key, count in amount.extended:
        counts[_gres(key)] += count
    gres = tuple(Gres(kind, count, type_) for (kind, type_), count in sorted(counts.items()))
    return Resources(
        cpus=amount.millicpus / _MILLI if rest else cpus,
        memory_bytes=amount.memory_bytes,
        gres=gres[:MAX_GRES],
    )


def _of(container: Container) -> Amount:
    return amount(container.resources.requests if container.resources else None)


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = NOTHING
    for one in amounts:
        total = total.plus(one)
    return total


def _is_extended(resource: str) -> bool:
    """Return whether it is a device: those of Kubernetes itself have no domain."""
    domain, slash, _ = resource.partition("/")
    return bool(slash) and not domain.endswith("kubernetes.io")


def _gres(resource: str) -> tuple[str, str]:
    """Name a resource as the model does: `gpu`, and for a part of one its profile as the type."""
    if resource.startswith(_MIG):
        return "gpu", name(resource.removeprefix(_MIG))
    return ("gpu", "") if resource in _GPUS else (name(resource), "")
