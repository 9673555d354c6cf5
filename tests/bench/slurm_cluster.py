"""A cluster that can be: nodes, and jobs that hold what is allocated of each, and no more.

A job is put where there is room for it, large ones first, as if the cluster had been empty; one
that has room nowhere is not there.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

CPUS, GPUS = 64, 4
MEGABYTES_OF_A_CPU = 4_000
_SPREAD = 8  # nodes of a job that has several
_CPUS_OF_A_NODE = (1, 2, 4, 8, 16)


@dataclass(slots=True)
class Node:
    """A node, and what jobs hold of it."""

    index: int
    cpus: int = 0
    gpus: int = 0

    @property
    def has_gpus(self) -> bool:
        """Whether it is one of the tenth with GPUs."""
        return self.index % 10 == 0

    @property
    def is_down(self) -> bool:
        """Whether it is out of service, so that no job is on it."""
        return self.index % 40 == 7

    @property
    def name(self) -> str:
        """Its name, by its kind."""
        return f"{'gn' if self.has_gpus else 'cn'}{self.index:04}"

    @property
    def partitions(self) -> tuple[str, ...]:
        """The two or three partitions that it is in."""
        return (
            ("gpu", "gpu-short")
            if self.has_gpus
            else ("batch", "short", "long")[: 2 + self.index % 2]
        )

    def take(self, cpus: int, gpus: int) -> None:
        """Give a job that much of it."""
        self.cpus += cpus
        self.gpus += gpus

    def has_room(self, cpus: int, gpus: int) -> bool:
        """Whether a job can have that much of it."""
        if self.is_down or self.has_gpus != bool(gpus):
            return False
        return self.cpus + cpus <= CPUS and self.gpus + gpus <= GPUS


@dataclass(frozen=True, slots=True)
class RunningJob:
    """What a job holds: as many CPUs and GPUs of each of its nodes, in one of their partitions."""

    nodes: Sequence[Node]
    cpus: int
    gpus: int
    partition: str

    @property
    def node_list(self) -> str:
        """Its nodes as Slurm writes them."""
        indices = sorted(node.index for node in self.nodes)
        if len(indices) == 1:
            return self.nodes[0].name
        return f"cn[{','.join(_ranges(indices))}]"

    @property
    def tres(self) -> str:
        """All that it holds as Slurm writes it."""
        count = len(self.nodes)
        cpus, gpus = self.cpus * count, self.gpus * count
        held = f"cpu={cpus},mem={cpus * MEGABYTES_OF_A_CPU}M,node={count},billing={cpus}"
        return f"{held},gres/gpu={gpus},gres/gpu:a100={gpus}" if gpus else held


@dataclass(frozen=True, slots=True)
class Cluster:
    """All nodes, and the jobs that run on them, in no order."""

    nodes: Sequence[Node]
    jobs: Sequence[RunningJob] = field(default_factory=list)


def cluster(random_: random.Random, nodes: int, jobs: int) -> Cluster:
    """Make a cluster on which so many jobs run, or as many of them as there is room for."""
    every = [Node(index) for index in range(nodes)]
    wanted = sorted((_wanted(random_) for _ in range(jobs)), reverse=True)
    placed = [job for one in wanted if (job := _placed(random_, every, *one)) is not None]
    random_.shuffle(placed)
    return Cluster(every, placed)


def _wanted(random_: random.Random) -> tuple[int, int, int]:
    """Choose how many nodes a job has, and how much of each: a tenth have several."""
    kind = random_.random()
    if kind < 0.005:
        return _SPREAD, CPUS, 0
    gpus = random_.choice((1, 1, 2)) if kind > 0.95 else 0
    return _SPREAD if kind < 0.1 else 1, random_.choice(_CPUS_OF_A_NODE), gpus


def _placed(
    random_: random.Random, nodes: Sequence[Node], count: int, cpus: int, gpus: int
) -> RunningJob | None:
    """Put a job on the first nodes with room for it from any of them on; None without room."""
    first = random_.randrange(len(nodes))
    found: list[Node] = []
    for node in (*nodes[first:], *nodes[:first]):
        if node.has_room(cpus, gpus):
            found.append(node)
            if len(found) == count:
                break
    if len(found) < count:
        return None
    for node in found:
        node.take(cpus, gpus)
    common = set(found[0].partitions).intersection(*(node.partitions for node in found))
    return RunningJob(found, cpus, gpus, random_.choice(sorted(common)))


def _ranges(indices: Sequence[int]) -> Iterator[str]:
    """Write numbers in order, those that follow each other as a range."""
    for _, group in groupby(enumerate(indices), lambda one: one[1] - one[0]):
        (_, first), *more = group
        yield f"{first:04}-{more[-1][1]:04}" if more else f"{first:04}"
