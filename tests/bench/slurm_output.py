"""What Slurm's commands print for a large cluster, made up: 2,000 nodes and 50,000 tasks.

Nodes are in two or three partitions, a tenth have GPUs. Of the tasks four fifths wait, most of them
in arrays, which are one line each; the others run, a tenth on several nodes, or have just ended.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rackwatt_exporter.schedulers.slurm.output_format import MARK
from tests.bench.slurm_cluster import CPUS, MEGABYTES_OF_A_CPU, Node, RunningJob, cluster

NOW_S = 1_795_252_000
_REASONS = ("Priority", "Resources", "Dependency", "JobArrayTaskLimit", "JobHeldUser", "BeginTime")
# The hundredths of a load, and free memory.
_USAGE = re.compile(rb"\.([0-9])([0-9])\|([0-9]+)[0-9]\|")
_ENDED = ("COMPLETED",) * 8 + ("FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY")
_WAITING_IN = ("batch", "short", "long", "batch,long")


@dataclass(frozen=True, slots=True)
class SlurmOutput:
    """The outputs of sinfo and squeue, and what they come to: the truth for the reader's sums."""

    sinfo: bytes
    squeue: bytes
    nodes: int
    tasks: int
    records: int


def slurm_output(nodes: int = 2_000, tasks: int = 50_000, seed: int = 1) -> SlurmOutput:
    """Make the outputs; the same seed makes the same."""
    random_ = random.Random(seed)
    made = cluster(random_, nodes, int(tasks * 0.16))
    jobs = list(_jobs(random_, made.jobs, nodes, tasks))
    rows = [row for node in made.nodes for row in _rows(random_, node)]
    return SlurmOutput(
        "".join(rows).encode(), "".join(line for line, _ in jobs).encode(),
        nodes, sum(count for _, count in jobs), len(jobs),
    )  # fmt: skip


def turned(output: SlurmOutput, share: float = 0.02) -> SlurmOutput:
    """Return the outputs some time later: a share of the jobs has changed, and each node's load."""
    lines = output.squeue.splitlines(keepends=True)
    step = max(1, int(1 / share))
    lines[::step] = [line.replace(b"|179", b"|178") for line in lines[::step]]
    return SlurmOutput(
        _USAGE.sub(rb".\2\1|\g<3>7|", output.sinfo), b"".join(lines),
        output.nodes, output.tasks, output.records,
    )  # fmt: skip


def _rows(random_: random.Random, node: Node) -> Iterator[str]:
    """Yield the line of a node in each of its partitions."""
    name, used = node.name, node.cpus
    state, long = {0: ("idle",) * 2, CPUS: ("allocated",) * 2}.get(used, ("mixed",) * 2)
    reason, since = "none", "Unknown"
    if node.is_down:
        state, long, reason, since = "down+not_responding", "down*", "Not responding", str(NOW_S)
    gres = "gpu:a100:4(S:0-1)" if node.has_gpus else "(null)"
    in_use = f"gpu:a100:{node.gpus}(IDX:0-{node.gpus - 1})" if node.gpus else "gpu:0"
    idle, down = (0, CPUS) if node.is_down else (CPUS - used, 0)
    resources = (
        f"{used}/{idle}/{down}/{CPUS}|{CPUS * MEGABYTES_OF_A_CPU}|{used * MEGABYTES_OF_A_CPU}|"
        f"{gres}|{in_use}|zen4,ib|{since}|10"
    )
    usage = f"{used + random_.random():.2f}|{random_.randrange(4000, 256000)}"
    for partition in node.partitions:
        yield (
            f"{name}{MARK}{state}|{long}|{name}|{partition}|{name}|{reason}|{name}|{resources}|"
            f"{name}|{usage}|{name}|\n"
        )


def _jobs(
    random_: random.Random, running: Sequence[RunningJob], nodes: int, tasks: int
) -> Iterator[tuple[str, int]]:
    """Yield lines with the number of their tasks."""
    number, left = 1_000_000, tasks
    for job in running:
        number += 1
        left -= 1
        where = job.partition, job.node_list
        yield _line(random_, str(number), "RUNNING", job.tres, *where, "None"), 1
    for _ in range(int(tasks * 0.02)):  # ended
        number += 1
        left -= 1
        node = Node(random_.randrange(nodes))
        tres = "cpu=4,mem=16000M,node=1,billing=4"
        where = random_.choice(node.partitions), node.name
        yield _line(random_, str(number), random_.choice(_ENDED), tres, *where, "None"), 1
    for _ in range(tasks // 5):  # waiting, each for itself
        number += 1
        left -= 1
        yield _waiting(random_, str(number), 4), 1
    while left > 0:
        number += 1
        count = min(left, random_.choice((20, 100, 1000)))
        left -= count
        yield _waiting(random_, f"{number}_[1-{count}%20]", 1), count


def _waiting(random_: random.Random, name: str, cpus: int) -> str:
    tres = f"cpu={cpus},mem={cpus * MEGABYTES_OF_A_CPU}M,node=1"
    reason = random_.choice(_REASONS)
    return _line(random_, name, "PENDING", tres, random_.choice(_WAITING_IN), "", reason)


def _line(
    random_: random.Random, name: str, state: str, tres: str, partition: str, nodes: str, reason: str
) -> str:  # fmt: skip
    user = random_.randrange(400)
    submitted = NOW_S - random_.randrange(200_000)
    start = str(submitted + random_.randrange(20_000)) if nodes else "N/A"
    end = str(NOW_S + random_.randrange(200_000)) if nodes else "N/A"
    feature = random_.choice(("(null)",) * 9 + ("zen4&ib",))
    owner = f"user{user:03}|account{user % 40:02}|normal|{partition}"
    return (
        f"{name}{MARK}{state}|{tres}|{owner}|{nodes}|N/A|N/A|N/A|N/A|{submitted}|{start}|{end}|"
        f"{name.partition('_')[0]}|{feature}|{name}|{reason}|{name}|\n"
    )
