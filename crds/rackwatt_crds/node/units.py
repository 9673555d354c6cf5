"""Units of a node: whose jobs, virtual machines or pods are read from their control groups."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class SlurmUnits(Model, frozen=True, kw_only=True):
    """Jobs of Slurm."""

    steps: Annotated[
        bool | None,
        Meta(
            description="Whether CPU time and memory of each step of a job are exported as well. "
            "Default: false."
        ),
    ] = None


class PbsUnits(Model, frozen=True, kw_only=True):
    """Jobs of PBS or Torque."""


class GridEngineUnits(Model, frozen=True, kw_only=True):
    """Jobs of Grid Engine."""


class LibvirtUnits(Model, frozen=True, kw_only=True):
    """Virtual machines of libvirt."""


class KubernetesUnits(Model, frozen=True, kw_only=True):
    """Pods of Kubernetes."""


class Units(Model, frozen=True, kw_only=True):
    """Managers whose units are read; the defaults of each, `{}`, serve."""

    slurm: Annotated[SlurmUnits | None, Meta(description="Jobs of Slurm.")] = None
    pbs: Annotated[PbsUnits | None, Meta(description="Jobs of PBS or Torque.")] = None
    gridengine: Annotated[GridEngineUnits | None, Meta(description="Jobs of Grid Engine.")] = None
    libvirt: Annotated[LibvirtUnits | None, Meta(description="Virtual machines of libvirt.")] = None
    kubernetes: Annotated[KubernetesUnits | None, Meta(description="Pods of Kubernetes.")] = None


MANAGERS = Units.__struct_fields__


def managers(units: Units | None) -> dict[str, Model]:
    """Return the managers that a document wants, with their settings."""
    wanted = {name: getattr(units, name) for name in MANAGERS} if units is not None else {}
    return {name: settings for name, settings in wanted.items() if settings is not None}
