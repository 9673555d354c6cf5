"""Units of a node: whose jobs, virtual machines or pods are read from their control groups."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model

_Path = Annotated[str, Meta(pattern=r"^/[^\x00-\x1f\x7f]*\Z", max_length=4096)]
_DEVICE = r"[0-9]{1,4}:[0-9]{1,4}(\.[0-9]{1,4}(/[0-9]{1,4})?)?"


_Environment = Annotated[
    bool | None,
    Meta(
        description="Whether the operator grants what reading the variables of jobs needs, which "
        "say whose they are: CAP_SYS_PTRACE, uid 0 and the process namespace of the node. Without "
        "it they are read where that needs no privilege. Default: false."
    ),
]


class SlurmUnits(Model, frozen=True, kw_only=True):
    """Jobs of Slurm, and which of them holds which GPU."""

    steps: Annotated[
        bool | None,
        Meta(
            description="Whether CPU time and memory of each step of a job are exported as well. "
            "Default: false."
        ),
    ] = None
    gpu_map_directory: Annotated[
        _Path | None,
        Meta(
            description="Directory in which a prolog writes a file for each GPU, named by its "
            "number of Slurm, with the ids of its jobs, such as `/run/gpujobmap`. Default: the "
            "variables of the processes of jobs say which GPUs they hold."
        ),
    ] = None
    gpu_order_map: Annotated[
        Annotated[str, Meta(pattern=rf"^{_DEVICE}(,{_DEVICE})*\Z", max_length=4096)] | None,
        Meta(
            description="Which GPU has which number of Slurm: pairs of that number and the index "
            "of the GPU, with its GPU instance of MIG, as `0:1,1:0.3,2:0.4`. Default: as gres.conf "
            "and the order of PCI have it, where these leave no doubt."
        ),
    ] = None
    gres_conf: Annotated[
        _Path | None,
        Meta(
            description="Path of gres.conf on the node, which is mounted where it is named. "
            "Default: /etc/slurm/gres.conf, if the exporter sees it."
        ),
    ] = None
    properties_directory: Annotated[
        _Path | None,
        Meta(
            description="Directory in which a prolog writes a file for each job, named by its id, "
            "with `USER ACCOUNT NODELIST`, such as `/run/slurmjobprops`. Default: the variables of "
            "the processes of jobs say whose they are."
        ),
    ] = None
    environment: _Environment = None


class PbsUnits(Model, frozen=True, kw_only=True):
    """Jobs of PBS or Torque."""

    environment: _Environment = None


class GridEngineUnits(Model, frozen=True, kw_only=True):
    """Jobs of Grid Engine."""

    environment: _Environment = None


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
