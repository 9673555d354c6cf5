"""Privileges of a resource's pods, their reasons, and the Pod Security level that admits them.

The levels are those of Kubernetes' Pod Security Standards. All collectors except those on nodes
meet `restricted`; those get exactly the union of their requirements (`crds` node/requirements.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.node.collectors import choices, named, required
from rackwatt_crds.node.energy import (
    ENERGY_REQUIREMENTS,
    PART_SOURCES,
    STATE_REQUIREMENTS,
    WHOLE_NODE_SOURCES,
)
from rackwatt_crds.node.requirements import HostRequirements
from rackwatt_crds.node.unit_requirements import (
    ENVIRONMENT_REQUIREMENTS,
    GPU_COLLECTORS,
    GPU_MANAGERS,
    GPU_REQUIREMENTS,
    PROFILING_REQUIREMENTS,
    required_by_units,
)
from rackwatt_crds.node.units import managers
from rackwatt_operator.manifests.naming import state_directory

LEVELS = ("restricted", "baseline", "privileged")

_SOURCES = frozenset({*WHOLE_NODE_SOURCES, *PART_SOURCES})

# What level baseline lets a container add; restricted lets it add NET_BIND_SERVICE alone.
_BASELINE_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Privilege:
    """One privilege: what it is, the level that admits it, and the reason."""

    what: str
    level: str
    why: str


_SAID_NETWORK = Privilege(
    "hostNetwork", "privileged", "pod.hostNetwork of the document or defaults"
)


@dataclass(frozen=True, slots=True)
class Privileges:
    """The union of the collectors' requirements; `named` has each with its reason.

    `state_directory` is that of the node, or empty: then the state is the pod's own.
    """

    host_paths: Mapping[str, str]
    state_directory: str
    capabilities: tuple[str, ...]
    root: bool
    privileged: bool
    host_pid: bool
    host_network: bool
    environment: Mapping[str, str]
    named: tuple[Privilege, ...]

    @property
    def level(self) -> str:
        """The strictest level of Pod Security that admits the pods."""
        return max((one.level for one in self.named), key=LEVELS.index, default="restricted")


def privileges(document: Document, pod: Mapping[str, Any]) -> Privileges:
    """Return the privileges of a resource's pods: of its collectors and its pod settings."""
    required = _required(document)
    kept = state_directory(document.metadata.namespace, document.metadata.name)
    needs = [needs for _, needs in required]
    mounts = {path: place for need in needs for path, place in need.host_paths.items()}
    return Privileges(
        host_paths=dict(sorted(mounts.items())),
        state_directory=kept if any(need.keeps_state for need in needs) else "",
        capabilities=tuple(sorted({one for need in needs for one in need.capabilities})),
        root=any(need.root for need in needs),
        privileged=any(need.privileged for need in needs),
        host_pid=any(need.host_pid for need in needs),
        host_network=any(need.host_network for need in needs) or bool(pod.get("hostNetwork")),
        environment={name: value for need in needs for name, value in need.environment.items()},
        named=(
            *(one for name, needs in required for one in _named(name, needs, kept)),
            *([_SAID_NETWORK] if pod.get("hostNetwork") else ()),
        ),
    )


def _required(document: Document) -> list[tuple[str, HostRequirements]]:
    """Return what each collector, each manager of units and the ledger require, by name.

    A privileged container is only for a collector that is named. A ledger without any source of
    power has nothing to keep.
    """
    if not isinstance(document, PowerTarget) or document.spec.node is None:
        return []
    node = document.spec.node
    collectors = {
        choice.name: needs
        for choice in choices(node)
        if not ((needs := required(node, choice.name)).privileged and choice.automatic)
    }
    units = required_by_units(managers(node.units))
    if GPU_COLLECTORS & named(node) and GPU_MANAGERS & managers(node.units).keys():
        units["units.gpus"] = GPU_REQUIREMENTS
    if node.profiling is not None:
        units["profiling"] = PROFILING_REQUIREMENTS
        if node.profiling.environment_variables:
            units["profiling.environmentVariables"] = ENVIRONMENT_REQUIREMENTS
    has_ledger = node.energy is not None or node.units is not None
    energy = {"energy": ENERGY_REQUIREMENTS} if has_ledger else {}
    if has_ledger and (node.energy is not None or _SOURCES & collectors.keys()):
        energy["energy.state"] = STATE_REQUIREMENTS
    return sorted((collectors | units | energy).items())


def _named(owner: str, needs: HostRequirements, kept: str) -> Iterator[Privilege]:
    """Name each need; the level of each is the field's in the Pod Security Standards."""

    def why(need: str) -> str:
        return f"{owner}: {needs.reasons[need]}"

    for path, place in needs.host_paths.items():
        what = f"hostPath {path} on {place}, read-only"
        yield Privilege(what, "privileged", why("host_paths"))
    if needs.keeps_state:
        yield Privilege(f"hostPath {kept}, writable", "privileged", why("keeps_state"))
    if needs.root:
        yield Privilege("uid 0", "baseline", why("root"))
    for capability in needs.capabilities:
        level = "baseline" if capability in _BASELINE_CAPABILITIES else "privileged"
        yield Privilege(f"capability {capability}", level, why("capabilities"))
    if needs.privileged:
        yield Privilege("privileged container", "privileged", why("privileged"))
    if needs.host_pid:
        yield Privilege("hostPID", "privileged", why("host_pid"))
    if needs.host_network:
        yield Privilege("hostNetwork", "privileged", why("host_network"))
    for name, value in needs.environment.items():
        yield Privilege(f"variable {name}={value}", "restricted", why("environment"))
