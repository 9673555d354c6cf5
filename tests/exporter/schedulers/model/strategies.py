"""Any snapshot that a reader may make."""

from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.diagnostics import (
    Backfill,
    Cycles,
    Diagnostics,
    Requests,
)
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_LOAD, MAX_TIME_S
from rackwatt_exporter.schedulers.model.job import MAX_TASKS, Job
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.node import NodeShare, NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.reservation import Reservation
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

WORDS = st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)
NAMES = st.text(min_size=1, max_size=255)
TEXTS = st.text(max_size=255)
TIMES = st.none() | st.integers(1, MAX_TIME_S)
GRES = st.builds(Gres, NAMES, st.integers(0, MAX_COUNT), TEXTS)
RESOURCES = st.builds(
    Resources,
    cpus=st.none() | st.integers(0, MAX_COUNT) | st.floats(0, 1e15).filter(lambda n: n % 1),
    memory_bytes=st.none() | st.integers(0, MAX_COUNT),
    gres=st.none() | st.lists(GRES, max_size=3).map(tuple),
)
NODE_SHARES = st.builds(
    NodeShare, st.floats(0, 1, exclude_min=True), user=TEXTS, account=TEXTS, partition=TEXTS
)
NODES = st.builds(
    SchedulerNode,
    state=WORDS,
    base=st.none() | WORDS,
    flags=st.lists(WORDS, max_size=5).map(tuple),
    partitions=st.lists(NAMES, max_size=5).map(tuple),
    reason=st.text(),
    reason_at_s=TIMES,
    features=st.lists(NAMES, max_size=3).map(tuple),
    total=st.none() | RESOURCES,
    allocated=st.none() | RESOURCES,
    weight=st.none() | st.integers(0, MAX_COUNT),
)
USAGES = st.builds(
    NodeUsage,
    load=st.none() | st.floats(0, MAX_LOAD),
    free_memory_bytes=st.none() | st.integers(0, MAX_COUNT),
)
JOBS = st.builds(
    Job,
    NAMES,
    WORDS,
    flags=st.lists(WORDS, max_size=3).map(tuple),
    tasks=st.integers(1, MAX_TASKS),
    array=TEXTS,
    number=TEXTS,
    het=TEXTS,
    user=TEXTS,
    account=TEXTS,
    qos=TEXTS,
    partitions=st.lists(NAMES, max_size=3).map(tuple),
    reason=st.text(),
    submitted_at_s=TIMES,
    started_at_s=TIMES,
    ended_at_s=TIMES,
    requested=st.none() | RESOURCES,
    allocated=st.none() | RESOURCES,
    nodes=st.lists(NAMES, max_size=3).map(tuple),
    per_node=st.lists(RESOURCES, max_size=3).map(tuple),
    features=st.lists(NAMES, max_size=3).map(tuple),
)
COUNTS = st.none() | st.integers(0, MAX_COUNT)
LICENSES = st.builds(
    License,
    NAMES,
    total=COUNTS,
    used=COUNTS,
    free=COUNTS,
    reserved=COUNTS,
    remote=st.booleans(),
    last_consumed=COUNTS,
    last_deficit=COUNTS,
    nodes=TEXTS,
)
RESERVATIONS = st.builds(
    Reservation,
    NAMES,
    active=st.none() | st.booleans(),
    started_at_s=TIMES,
    ends_at_s=TIMES,
    nodes=st.lists(NAMES, max_size=3).map(tuple),
    node_count=COUNTS,
    cores=COUNTS,
    users=st.lists(NAMES, max_size=3).map(tuple),
    accounts=st.lists(NAMES, max_size=3).map(tuple),
    partition=TEXTS,
    flags=st.lists(WORDS, max_size=3).map(tuple),
)
QUEUES = st.builds(
    Queue,
    NAMES,
    st.none() | WORDS,
    nodes=COUNTS,
    total=st.none() | RESOURCES,
    max_time_s=COUNTS,
    max_nodes=COUNTS,
)
REQUESTS = st.builds(
    Requests, NAMES, st.integers(0, MAX_COUNT), st.integers(0, MAX_COUNT), number=COUNTS
)
WORD_COUNTS = st.dictionaries(WORDS, st.integers(0, MAX_COUNT), max_size=3)
CYCLES = st.builds(Cycles, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, exits=WORD_COUNTS)
DIAGNOSTICS = st.builds(
    Diagnostics,
    COUNTS,
    COUNTS,
    since_s=TIMES,
    jobs=WORD_COUNTS,
    main=CYCLES,
    backfill=CYCLES,
    backfilled=st.builds(Backfill, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    rpcs_by_type=st.lists(REQUESTS, max_size=3).map(tuple),
    rpcs_by_user=st.lists(REQUESTS, max_size=3).map(tuple),
)
LIMITS = st.builds(
    Limit,
    NAMES,
    user=TEXTS,
    partition=TEXTS,
    parent=TEXTS,
    cpus=COUNTS,
    memory_bytes=COUNTS,
    nodes=COUNTS,
    gres=st.lists(GRES, max_size=3).map(tuple),
    running_jobs=COUNTS,
    submitted_jobs=COUNTS,
    running_jobs_per_user=COUNTS,
    submitted_jobs_per_user=COUNTS,
)
QOS_LIMITS = st.builds(
    QosLimit,
    NAMES,
    st.sampled_from(("qos", "user", "account")),
    cpus=COUNTS,
    memory_bytes=COUNTS,
    nodes=COUNTS,
    gres=st.lists(GRES, max_size=3).map(tuple),
    running_jobs=COUNTS,
    submitted_jobs=COUNTS,
)
LIMIT_USAGES = st.builds(
    LimitUsage,
    NAMES,
    st.integers(0, MAX_COUNT),
    st.integers(0, MAX_COUNT),
    account=TEXTS,
    user=TEXTS,
    partition=TEXTS,
    qos=TEXTS,
)
SHARES = st.none() | st.floats(0, MAX_COUNT)
FAIR_SHARES = st.builds(
    FairShare,
    NAMES,
    user=TEXTS,
    partition=TEXTS,
    parent=TEXTS,
    shares=COUNTS,
    shares_ratio=SHARES,
    usage_s=SHARES,
    usage_ratio=SHARES,
    factor=SHARES,
    level=SHARES | st.just("inf"),
)
GROUPED_COUNTS = st.none() | st.dictionaries(NAMES, WORD_COUNTS, max_size=3)
NUMBERS = st.builds(
    Numbers,
    WORD_COUNTS,
    WORD_COUNTS,
    WORD_COUNTS,
    WORD_COUNTS,
    users=GROUPED_COUNTS,
    accounts=GROUPED_COUNTS,
    partitions=GROUPED_COUNTS,
)
SNAPSHOTS = st.builds(
    SchedulerSnapshot,
    st.dictionaries(NAMES, NODES, max_size=5),
    cluster=st.text(),
    version=st.text(),
    unread=st.integers(0, 2**31),
    note=st.text(),
    jobs=st.none() | st.lists(JOBS, max_size=5).map(tuple),
    usage=st.none() | st.dictionaries(NAMES, USAGES, max_size=5),
    licenses=st.none() | st.lists(LICENSES, max_size=3).map(tuple),
    limits=st.none() | st.lists(LIMITS, max_size=3).map(tuple),
    qos_limits=st.none() | st.lists(QOS_LIMITS, max_size=3).map(tuple),
    limit_usage=st.none() | st.lists(LIMIT_USAGES, max_size=3).map(tuple),
    fairshare=st.none() | st.lists(FAIR_SHARES, max_size=3).map(tuple),
    reservations=st.none() | st.lists(RESERVATIONS, max_size=3).map(tuple),
    queues=st.none() | st.lists(QUEUES, max_size=3).map(tuple),
    diagnostics=st.none() | DIAGNOSTICS,
    numbers=st.none() | NUMBERS,
    user=st.text(),
    shares=st.none()
    | st.dictionaries(NAMES, st.lists(NODE_SHARES, max_size=3).map(tuple), max_size=3),
    token_issued_at_s=TIMES,
    token_expires_at_s=TIMES,
)
