"""A fleet: settings of all hosts, and entries that may override them."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import Credentials, Duration, ObjectRef
from rackwatt_crds.kinds import Method, MethodSettings
from rackwatt_crds.model import Model
from rackwatt_crds.rules import min_duration, not_both, not_shorter_than, same_length

# The API server estimates the cost of the rules from the product of both limits: twice the length
# means half the entries. More entries would not fit into a ConfigMap anyway.
MAX_ENTRIES = 8_000
MAX_LIST_LENGTH = 512
# Of targets that measure power, where neither the entry nor the spec has an interval.
DEFAULT_INTERVAL = "30s"
DEFAULT_TYPE = "compute"
# Types of targets that a scheduler should know by their names, and those that it need not know.
NODE_TYPES = (DEFAULT_TYPE, "gpu")
OTHER_TYPES = ("login", "storage", "core")

SchedulerRef = Annotated[
    ObjectRef | None,
    Meta(description="The SchedulerBinding that provides the state of these nodes. Default: none."),
]
Interval = Annotated[Duration | None, Meta(description="Time between two readings. Default: 30s.")]
Timeout = Annotated[
    Duration | None,
    Meta(description="Deadline of one reading, including its retries and log-in. Default: 10s."),
]
StaleAfter = Annotated[
    Duration | None,
    Meta(description="Age at which a reading is withdrawn. Default: three intervals."),
]
Retries = Annotated[
    Annotated[int, Meta(ge=0, le=10)] | None,
    Meta(description="How often a lost packet is sent again within the timeout. Default: 2."),
]
MaxBackoff = Annotated[
    Duration | None,
    Meta(description="Longest wait before a failing target is polled again. Default: 5m."),
]
SCHEDULE_RULES = (
    min_duration("interval", "100ms"),
    min_duration("timeout", "1ms"),
    not_shorter_than("stale_after", "interval"),
)


class Access(MethodSettings, frozen=True, kw_only=True):
    """How a target is polled."""

    method: Annotated[
        Method | None,
        Meta(description="The protocol. Default: ipmi."),
    ] = None
    preset: Annotated[
        str | None,
        Meta(description="Settings for a vendor's product, such as `idrac`. Default: none."),
    ] = None
    credentials: Credentials | None = None
    max_watts: Annotated[
        Annotated[float, Meta(gt=0, le=100_000_000)] | None,
        Meta(
            description="Highest plausible power of one target in watts. A reading above it "
            "fails as `implausible`. Default: 60000; redfish 200000, snmp 1000000."
        ),
    ] = None


class HostEntry(Access, frozen=True, kw_only=True):
    """Hosts with the same settings. A setting here overrides the one in `bmc` or `spec`."""

    names: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_LIST_LENGTH,
            description="Host list of node names as the scheduler has them, such as "
            "`node[001-512]`. Split a list of more than 512 characters into "
            "several entries.",
        ),
    ]
    addresses: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_LIST_LENGTH)] | None,
        Meta(description="Host list of as many addresses as there are names, in the same order."),
    ] = None
    address: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(
            description="Template of an address, in which `{name}` is replaced by the node "
            "and `{index}` by its index, from 0: `{name}-bmc`."
        ),
    ] = None
    type: Annotated[
        str | None,
        Meta(
            description=f"The label `type`: {', '.join(NODE_TYPES + OTHER_TYPES)} or your own; "
            "`core` is a PDU or a switch. The scheduler should know the names of type "
            f"{' and '.join(NODE_TYPES)}, and those of your own type if it knows one of them or "
            f"no name of any type. Default: {DEFAULT_TYPE}."
        ),
    ] = None
    rack: Annotated[str | None, Meta(description="The label `rack`. Default: empty.")] = None
    scheduler_ref: SchedulerRef = None
    interval: Interval = None
    timeout: Timeout = None
    stale_after: StaleAfter = None
    retries: Retries = None
    max_backoff: MaxBackoff = None

    RULES = (
        not_both("addresses", "address", "at most one of addresses and address may be given"),
        same_length("names", "addresses"),
        *SCHEDULE_RULES,
    )


class Concurrency(Model, frozen=True, kw_only=True):
    """How many BMCs are polled at once. A healthy BMC never waits for one that does not answer."""

    per_subnet: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="Readings in progress in one /24 (IPv6: /64). Default: 256."),
    ] = None
    per_credential: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            description=(
                "First contacts and retries in progress with one Secret. Default: 128; "
                "ipmi and snmp 512."
            )
        ),
    ] = None


class Bmc(Access, frozen=True, kw_only=True):
    """A fleet of BMCs and PDUs, polled over the network."""

    hosts: Annotated[
        list[HostEntry],
        Meta(
            min_length=1,
            max_length=MAX_ENTRIES,
            description="The hosts of the fleet.",
            extra={"each_alone": True},
        ),
    ]
    concurrency: Concurrency | None = None
    shards: Annotated[
        Annotated[int, Meta(ge=1, le=100)],
        Meta(
            description="Number of collectors that the operator creates and divides the fleet "
            "over. Without an operator, an exporter has the flag `--shard`. "
            "Default: 1."
        ),
    ] = 1
