"""What Slurm's commands print for a large cluster, made up: 2,000 nodes and 50,000 tasks.

Nodes are in two or three partitions, a tenth have GPUs. Of the tasks four fifths wait, most of them
in arrays, which are one line each; the others run, a few on many nodes, or have just ended.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rackwatt_exporter.schedulers.slurm.output_format import MARK

NOW_S = 1_795_252_000
_REASONS = ("Priority", "Resources", "Dependency", "JobArrayTaskLimit", "JobHeldUser", "BeginTime")
# The hundredths of a load, and free memory.
_USAGE = re.compile(rb"\.([0-9])([0-9])\|([0-9]+)[0-9]\|")
_ENDED = ("COMPLETED",) * 8 + ("FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY")


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
    jobs = list(_jobs(random_, nodes, tasks))
    rows = list(_nodes(random_, nodes))
    return SlurmOutput(
        "".join(rows).encode(), "".join(line for line, _ in jobs).encode(),
        nodes, sum(count for _, count in jobs), len(jobs),
    )  # fmt: skip


def turned(output: SlurmOutput, share: float = 0.02) -> SlurmOutput:
    """Return the outputs some time later: a share of the jobs has changed, and each node's load."""
    lines = output.squeue.splitlines(keepends=True)
    step = max(1, int(1 / share))
    lines[::step] = [line.replace(b"|alice", b"|bob") for line in lines[::step]]
    lines[::step] = [line.replace(b"|179", b"|178") for line in lines[::step]]
    return SlurmOutput(
        _USAGE.sub(rb".\2\1|\g<3>7|", output.sinfo), b"".join(lines),
        output.nodes, output.tasks, output.records,
    )  # fmt: skip


def _nodes(random_: random.Random, count: int) -> Iterator[str]:
    for index in range(count):
        gpus = index % 10 == 0
        name = f"gn{index:04}" if gpus else f"cn{index:04}"
        state, long, used = random_.choice(
            (("allocated", "allocated", 64), ("mixed", "mixed", 40), ("idle", "idle", 0))
        )
        reason, since = "none", "Unknown"
        if index % 40 == 7:
            state, long, reason, since = (
                "down+not_responding",
                "down*",
                "Not responding",
                str(NOW_S),
            )
        gres = "gpu:a100:4(S:0-1)" if gpus else "(null)"
        in_use = "gpu:a100:2(IDX:0-1)" if gpus and used else "gpu:0"
        resources = (
            f"{used}/{64 - used}/0/64|256000|{used * 4000}|{gres}|{in_use}|zen4,ib|{since}|10"
        )
        usage = f"{used + random_.random():.2f}|{random_.randrange(4000, 256000)}"
        for partition in (
            ("gpu", "gpu-short") if gpus else ("batch", "short", "long")[: 2 + index % 2]
        ):
            yield (
                f"{name}{MARK}{state}|{long}|{name}|{partition}|{name}|{reason}|{name}|{resources}|{name}|{usage}|{name}|\n"
            )


def _jobs(random_: random.Random, nodes: int, tasks: int) -> Iterator[tuple[str, int]]:
    """Yield lines with the number of their tasks."""
    number, left = 1_000_000, tasks
    for _ in range(int(tasks * 0.16)):  # running
        number += 1
        left -= 1
        cpus = random_.choice((1, 2, 4, 16, 64))
        first = random_.randrange(1, nodes - 8)
        many = random_.random() < 0.1
        node = f"cn[{first:04}-{first + 7:04}]" if many else f"cn{first:04}"
        tres = f"cpu={cpus},mem={cpus * 4000}M,node={8 if many else 1},billing={cpus}"
        yield _line(random_, str(number), "RUNNING", tres, node, "None", started=True), 1
    for _ in range(int(tasks * 0.02)):  # ended
        number += 1
        left -= 1
        node = f"cn{random_.randrange(1, nodes):04}"
        tres = "cpu=4,mem=16000M,node=1,billing=4"
        state = random_.choice(_ENDED)
        yield _line(random_, str(number), state, tres, node, "None", started=True), 1
    for _ in range(tasks // 5):  # waiting, each for itself
        number += 1
        left -= 1
        yield (
            _line(random_, str(number), "PENDING", "cpu=4,mem=16000M,node=1", "", _reason(random_)),
            1,
        )
    while left > 0:
        number += 1
        count = min(left, random_.choice((20, 100, 1000)))
        left -= count
        name = f"{number}_[1-{count}%20]"
        yield _line(random_, name, "PENDING", "cpu=1,mem=4000M,node=1", "", _reason(random_)), count


def _reason(random_: random.Random) -> str:
    return random_.choice(_REASONS)


def _line(
    random_: random.Random, name: str, state: str, tres: str, nodes: str, reason: str,
    *, started: bool = False,
) -> str:  # fmt: skip
    user = random_.randrange(400)
    submitted = NOW_S - random_.randrange(200_000)
    start = str(submitted + random_.randrange(20_000)) if started else "N/A"
    end = str(NOW_S + random_.randrange(200_000)) if started else "N/A"
    partition = random_.choice(("batch", "short", "long", "batch,long"))
    feature = random_.choice(("(null)",) * 9 + ("zen4&ib",))
    owner = f"user{user:03}|account{user % 40:02}|normal|{partition}"
    return (
        f"{name}{MARK}{state}|{tres}|{owner}|{nodes}|N/A|N/A|N/A|N/A|{submitted}|{start}|{end}|"
        f"{name.partition('_')[0]}|{feature}|{name}|{reason}|{name}|\n"
    )
