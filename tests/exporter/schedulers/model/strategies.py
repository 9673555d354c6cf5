"""Any snapshot that a reader may make."""

from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_LOAD, MAX_TIME_S
from rackwatt_exporter.schedulers.model.job import MAX_TASKS, Job
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
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
    fairshare=st.none() | st.lists(FAIR_SHARES, max_size=3).map(tuple),
)
