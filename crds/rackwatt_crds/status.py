"""Status of documents, as `kubectl get` and `kubectl wait` read it.

Only the operator writes it, so the exporter does not import this module. A field that is None is
omitted; counts are always written, also 0.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.bmc.expansion import method, valid_entries
from rackwatt_crds.kinds import PROVIDERS, SCHEDULERS, chosen
from rackwatt_crds.model import Model, only
from rackwatt_crds.node.collectors import AUTO
from rackwatt_crds.node.units import managers
from rackwatt_crds.powertarget import MEASURED, Measured, PowerTargetSpec
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec

MAX_FAILING_TARGETS = 10
MAX_MESSAGE_LENGTH = 1024
Message = Annotated[str, Meta(max_length=MAX_MESSAGE_LENGTH)]
Count = Annotated[int, Meta(ge=0)]
Generation = Annotated[
    Count | None, Meta(description="The metadata.generation that this was observed for.")
]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class Condition(Model, frozen=True, kw_only=True, omit_defaults=True):
    """A condition, as metav1.Condition."""

    type: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z][A-Za-z]*\Z",
            max_length=64,
            description="The condition: Accepted, Available, Monitored, Scraped or Ready.",
        ),
    ]
    status: Annotated[
        Literal["True", "False", "Unknown"], Meta(description="Whether the condition holds.")
    ]
    observed_generation: Generation = None
    last_transition_time: Annotated[Timestamp, Meta(description="When `status` last changed.")]
    reason: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z][A-Za-z0-9]*\Z",
            max_length=64,
            description="The reason in CamelCase, for programs.",
        ),
    ]
    message: Annotated[Message, Meta(description="The reason for people, and what to do about it.")]


Conditions = Annotated[
    list[Condition],
    Meta(
        max_length=16,
        description="Conditions of the resource.",
        extra_json_schema={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]


class TargetCounts(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Number of targets, and how many of them answer."""

    configured: Annotated[
        Count, Meta(description="Number of targets that the resource configures.")
    ]
    reachable: Annotated[
        Count, Meta(description="Number of targets with a reading that is not stale.")
    ]
    failing: Annotated[Count, Meta(description="Number of targets whose last reading failed.")]


class FailingTarget(Model, frozen=True, kw_only=True, omit_defaults=True):
    """A failing target and its reason."""

    node: Annotated[str, Meta(max_length=255, description="The node's name.")]
    reason: Annotated[
        str, Meta(max_length=64, description="The reason, as in docs/troubleshooting.md.")
    ]
    message: Annotated[Message, Meta(description="What was observed.")]
    watts: Annotated[Count | None, Meta(description="Its last reading, if that is not stale.")] = (
        None
    )


class PowerTargetStatus(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the targets are measured and monitored, as the collectors report it."""

    observed_generation: Generation = None
    conditions: Conditions | None = None
    kind: Annotated[
        Measured | None,
        Meta(description="What is measured: BMCs and PDUs, nodes from inside, or the grid."),
    ] = None
    method: Annotated[
        str | None, Meta(description="How it is measured: protocols, collectors or the provider.")
    ] = None
    targets: TargetCounts | None = None
    watts: Annotated[
        Count | None, Meta(description="The sum of all readings that are not stale, in watts.")
    ] = None
    failing_targets: Annotated[
        Annotated[
            list[FailingTarget],
            Meta(max_length=MAX_FAILING_TARGETS),
        ]
        | None,
        Meta(description="The targets that have failed for longest, at most ten."),
    ] = None


class NodeCounts(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Number of nodes that the scheduler reports."""

    total: Annotated[Count, Meta(description="Number of nodes in any state.")]
    states: Annotated[
        Annotated[dict[str, Count], Meta(max_length=64)] | None,
        Meta(
            description="Number of nodes in each state, such as `{allocated: 498, idle: 12, "
            "down: 2}`."
        ),
    ] = None


class SchedulerBindingStatus(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the scheduler answers, and what it reports."""

    observed_generation: Generation = None
    conditions: Conditions | None = None
    scheduler: Annotated[
        str | None, Meta(description="The scheduler and its interface, such as `slurm/rest`.")
    ] = None
    nodes: NodeCounts | None = None
    version: Annotated[
        str | None, Meta(description="The scheduler's version, as it reports it.")
    ] = None
    last_contact: Annotated[
        Timestamp | None, Meta(description="When the scheduler last answered.")
    ] = None


def kind_of(spec: PowerTargetSpec) -> Measured:
    """Return what a PowerTarget measures.

    Raises:
        ValueError: the spec has none of `bmc`, `node` and `grid`, or several.
    """
    return only(spec, MEASURED)


def method_of(spec: PowerTargetSpec) -> str:
    """Return how a PowerTarget is measured: `ipmi,snmp`, `rapl,cpu`, `auto`, `static`.

    Raises:
        ValueError: the spec has none of `bmc`, `node` and `grid`, or no known provider.
    """
    if spec.bmc is not None:
        bmc = spec.bmc
        return ",".join(dict.fromkeys(method(bmc, entry) for entry in valid_entries(bmc)))
    if spec.node is not None:
        return ",".join([*(spec.node.collectors or [AUTO]), *managers(spec.node.units)])
    if spec.grid is not None:
        return chosen(PROVIDERS, spec.grid)[0].name
    raise ValueError("the spec has neither bmc, node nor grid")


def scheduler_of(spec: SchedulerBindingSpec) -> str:
    """Return the scheduler of a SchedulerBinding and its interface: `slurm/rest`, `noop`.

    Raises:
        ValueError: the spec has no known scheduler, or several.
    """
    kind, settings = chosen(SCHEDULERS, spec)
    return kind.label(settings)
