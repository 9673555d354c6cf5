"""What the operator says of a document: the status that `kubectl get` and `kubectl wait` read.

Written by the operator alone, so the exporter never loads this. What is None is not written; counts
are always written, since none is a count too.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.bmc.expansion import method, usable
from rackwatt_crds.kinds import PROVIDERS, SCHEDULERS, chosen
from rackwatt_crds.model import Model, only
from rackwatt_crds.powertarget import MEASURED, Measured, PowerTargetSpec
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec

MOST_WORST = 10
LONGEST_MESSAGE = 1024
Message = Annotated[str, Meta(max_length=LONGEST_MESSAGE)]
Count = Annotated[int, Meta(ge=0)]
Generation = Annotated[
    Count | None, Meta(description="The metadata.generation that this was said of.")
]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class Condition(Model, frozen=True, kw_only=True, omit_defaults=True):
    """One claim about the document, as in metav1.Condition."""

    type: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z][A-Za-z]*\Z",
            max_length=64,
            description="Accepted, Available, Monitored, Scraped or Ready.",
        ),
    ]
    status: Annotated[
        Literal["True", "False", "Unknown"], Meta(description="Whether it holds.")
    ]  # fmt: skip
    observed_generation: Generation = None
    last_transition_time: Annotated[Moment, Meta(description="When `status` changed last.")]
    reason: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z][A-Za-z0-9]*\Z",
            max_length=64,
            description="Why, in one word for programs.",
        ),
    ]
    message: Annotated[Message, Meta(description="Why, and what a person can do about it.")]


Conditions = Annotated[
    list[Condition],
    Meta(
        max_length=16,
        description="What holds of the document and what does not.",
        extra_json_schema={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]


class TargetCounts(Model, frozen=True, kw_only=True, omit_defaults=True):
    """How many targets there are, and how many of them answer."""

    configured: Annotated[Count, Meta(description="What the document comes to.")]
    reachable: Annotated[Count, Meta(description="Those with a reading that is not stale.")]
    failing: Annotated[Count, Meta(description="Those whose last reading failed.")]


class FailingTarget(Model, frozen=True, kw_only=True, omit_defaults=True):
    """A target that fails, and why."""

    node: Annotated[str, Meta(max_length=255, description="The node's name.")]
    reason: Annotated[str, Meta(max_length=64, description="As in docs/troubleshooting.md.")]
    message: Annotated[Message, Meta(description="What was seen.")]
    watts: Annotated[
        Count | None, Meta(description="Its last reading, while that is not stale.")
    ] = None


class PowerTargetStatus(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the targets are measured and watched, as the collectors tell it."""

    observed_generation: Generation = None
    conditions: Conditions | None = None
    kind: Annotated[
        Measured | None, Meta(description="What is measured.")
    ] = None  # fmt: skip
    method: Annotated[
        str | None, Meta(description="How: protocols, collectors or the provider.")
    ] = None  # fmt: skip
    targets: TargetCounts | None = None
    watts: Annotated[Count | None, Meta(description="The sum of all that is not stale.")] = None
    failing_targets: Annotated[
        Annotated[
            list[FailingTarget],
            Meta(max_length=MOST_WORST),
        ]
        | None,
        Meta(description="Ten targets that have failed for longest."),
    ] = None


class NodeCounts(Model, frozen=True, kw_only=True, omit_defaults=True):
    """How many nodes the scheduler knows, by state."""

    total: Annotated[Count, Meta(description="All of them.")]
    states: Annotated[
        Annotated[dict[str, Count], Meta(max_length=64)] | None,
        Meta(description="By state, such as `{allocated: 498, idle: 12, down: 2}`."),
    ] = None


class SchedulerBindingStatus(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the scheduler answers, and what it says."""

    observed_generation: Generation = None
    conditions: Conditions | None = None
    scheduler: Annotated[
        str | None, Meta(description="Which one and how it is asked, such as `slurm/rest`.")
    ] = None
    nodes: NodeCounts | None = None
    version: Annotated[str | None, Meta(description="As the scheduler itself says.")] = None
    last_contact: Annotated[Moment | None, Meta(description="When it answered last.")] = None


def kind_of(spec: PowerTargetSpec) -> Measured:
    """Name what a PowerTarget measures.

    Raises:
        ValueError: the spec gives nothing to measure, or several things.
    """
    return only(spec, MEASURED)


def method_of(spec: PowerTargetSpec) -> str:
    """Name how a PowerTarget is measured: `ipmi,snmp`, `rapl,cpu`, `static`.

    Raises:
        ValueError: the spec gives nothing to measure, or no provider that is known.
    """
    if spec.bmc is not None:
        bmc = spec.bmc
        return ",".join(dict.fromkeys(method(bmc, entry) for entry in usable(bmc)))
    if spec.node is not None:
        return ",".join(spec.node.collectors)
    if spec.grid is not None:
        return chosen(PROVIDERS, spec.grid)[0].name
    raise ValueError("the spec has neither bmc, node nor grid")


def scheduler_of(spec: SchedulerBindingSpec) -> str:
    """Name what a SchedulerBinding polls, and how: `slurm/rest`, `noop`, `exporter`.

    Raises:
        ValueError: the spec gives no scheduler that is known, or several.
    """
    kind, settings = chosen(SCHEDULERS, spec)
    return kind.label(settings)
