"""Claims of GPUs by units of Slurm and PBS, from the variables of their processes.

An empty value claims nothing.

Slurm numbers the devices of a node in the order of gres.conf, and sets SLURM_JOB_GPUS where the
batch script runs. Of a job of several nodes, srun takes it along to the others, where it is wrong:
there the steps count (SLURM_STEP_GPUS). On the first node a step may have a part of the job only.
Shards have no list of GPUs in a job of Slurm 22.05. CUDA_VISIBLE_DEVICES counts from 0 in each job,
and is of use where it has UUIDs (Slurm 25.11, the cgroup hook of PBS).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

T = TypeVar("T")

JOB, STEP, NODE = "SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_NODEID"
SHARDS, MPS = "SLURM_SHARDS_ON_NODE", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"
CUDA, AMD = "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"
CONTAINER = "NVIDIA_VISIBLE_DEVICES"
PBS_FILE = "PBS_GPUFILE"
VARIABLES = frozenset({JOB, STEP, NODE, SHARDS, MPS, CUDA, AMD, CONTAINER, PBS_FILE})
_MAX_DEVICES = 256
_MAX_DIGITS = 6


class GpuClaim(NamedTuple):
    """Devices by their numbers in the order of the manager, by names, or by device files.

    `shards` is how many of a shared GPU's there are in all, `portion` the share of each device that
    its processes may use (MPS). None is the whole device. `unread` is why it is not known.
    """

    numbers: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    shards: int | None = None
    portion: float | None = None
    files: tuple[str, ...] = ()
    unread: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it claims nothing."""
        return not (self.numbers or self.names or self.shards or self.files or self.unread)


NOTHING = GpuClaim()


def slurm_claim(environments: Iterable[Mapping[str, str]]) -> GpuClaim:
    """Return what a job of Slurm holds on this node, by the variables of its processes."""
    processes = list(environments)
    job = _first(_numbers(one.get(JOB, "")) for one in processes if one.get(NODE, "0") == "0")
    steps = (number for one in processes for number in _numbers(one.get(STEP, "")))
    numbers = job or tuple(sorted(set(steps)))
    shards = _first(_count(one.get(SHARDS, "")) for one in processes)
    portion = _first(_portion(one.get(MPS, "")) for one in processes)
    names = () if numbers else _names(processes)
    return GpuClaim(numbers, names, shards, portion)


def job_claim(environments: Iterable[Mapping[str, str]]) -> GpuClaim:
    """Return what a job of another manager holds, by the UUIDs in its variables."""
    return GpuClaim(names=_names(list(environments)))


def merged(before: GpuClaim, now: GpuClaim) -> GpuClaim:
    """Return what a unit holds by what was seen of it: a step that has ended had a part of it."""
    return GpuClaim(
        tuple(sorted({*before.numbers, *now.numbers})),
        now.names or before.names,
        now.shards or before.shards,
        now.portion or before.portion,
        now.files or before.files,
        "" if before.numbers else now.unread,
    )


def _names(processes: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the UUIDs of the first process that has any: others may hide some from themselves."""
    for one in processes:
        found = [*uuids(one.get(CUDA, "")), *uuids(one.get(AMD, ""))]
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def uuids(text: str) -> list[str]:
    """Return the UUIDs of a list of devices; `::` and the number of a replica may follow each."""
    words = (word.strip().partition("::")[0] for word in text.split(",")[:_MAX_DEVICES])
    return [word for word in words if word.startswith(("GPU-", "MIG-"))]


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a list as `0,2-3`; none where it is anything else (`NoDevFiles`)."""
    found: list[int] = []
    for word in text.split(","):
        first, dash, last = word.strip().partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            return ()
        found += range(int(first), min(int(last or first), int(first) + _MAX_DEVICES) + 1)
    return tuple(dict.fromkeys(found))


def _count(text: str) -> int:
    return int(text) if _is_number(text) else 0


def _portion(text: str) -> float:
    """Return a percentage as a ratio; 0 where it is none. Slurm 22.05 sets some above 100."""
    percent = int(text) if _is_number(text) else 0
    return percent / 100 if percent <= 100 else 0.0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def _first(values: Iterable[T]) -> T | None:
    return next(filter(None, values), None)
