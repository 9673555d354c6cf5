"""Records of slurmdbd's with their truth: as sacct prints them, as slurmrestd has them, as units."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rackwatt_accounting.model.unit import Unit

FIELDS = (
    "JobIDRaw", "JobID", "State", "ExitCode", "Submit", "Start", "End", "Suspended", "UID", "User",
    "Group", "Account", "Partition", "QOS", "NodeList", "WorkDir", "JobName", "AllocTRES",
)  # fmt: skip
BEGIN_S = 1_790_000_000
NAMES = (
    "bench", "a|b", "", "it`s \"one\"", "naïve \N{SNOWMAN}", "<b>", "x,y=z", "energy=7", " padded ",
)  # fmt: skip
ENDS = (
    "COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "DEADLINE",
    "BOOT_FAIL", "REQUEUED", "CANCELLED",
)  # fmt: skip
GPUS: tuple[dict[str, int], ...] = (
    {},
    {},
    {"": 2},
    {"a100": 4, "": 4},
    {"a100": 1, "h100": 2, "": 3},
    {"1g.10gb": 3, "": 3},
)


@dataclass(frozen=True)
class Record:
    """One run of a job; a time of 0 has not come."""

    job_id: int
    start_s: int
    end_s: int
    submit_s: int = BEGIN_S
    suspended_s: int = 0
    state: str = "COMPLETED"
    task: int | None = None
    array: int = 0
    het: int = 0
    het_offset: int | None = None
    name: str = "bench"
    user: str = "alice"
    account: str = "physics"
    cpus: int = 4
    nodes: int = 1
    memory_mib: int = 4000
    gpus: dict[str, int] = field(default_factory=dict)
    shards: int = 0
    joules: int | None = None

    @property
    def display_id(self) -> str:
        """JobID as sacct has it."""
        if self.task is not None:
            return f"{self.array}_{self.task}"
        return f"{self.het}+{self.het_offset}" if self.het_offset is not None else str(self.job_id)

    @property
    def node_list(self) -> str:
        """The nodes that it had."""
        return f"n[1-{self.nodes}]" if self.nodes > 1 else "n1"

    def tres(self) -> dict[str, int]:
        """What was allocated, in the order that Slurm has; memory in MiB."""
        gpus = {f"gres/gpu{kind and ':'}{kind}": count for kind, count in self.gpus.items()}
        shards = {"gres/shard": self.shards} if self.shards else {}
        energy = {} if self.joules is None else {"energy": self.joules}
        return {
            "billing": 2 * self.cpus, "cpu": self.cpus, **energy, **gpus, **shards,
            "mem": self.memory_mib, "node": self.nodes,
        }  # fmt: skip

    def printed(self, delimiter: str) -> str:
        """The line of sacct -p."""
        state = f"{self.state} by 1000" if self.state == "CANCELLED" else self.state
        tres = ",".join(
            f"{name}={count}{'M' * (name == 'mem')}" for name, count in self.tres().items()
        )
        days, seconds = divmod(self.suspended_s, 86400)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        fields = (
            self.job_id, self.display_id, state, "1:15", self.submit_s,
            self.start_s or "Unknown", self.end_s or "Unknown", f"{days}-{clock}" if days else clock,
            1000, self.user, "users", self.account, "batch", "normal",
            self.node_list if self.start_s else "None assigned", "/home/alice", self.name,
            tres if self.start_s else "",
        )  # fmt: skip
        return delimiter.join((*map(str, fields), "\n"))

    def unit(self) -> Unit | None:
        """What is to come of it; None for one that waits."""
        if not (self.start_s or self.end_s):
            return None
        held = self.tres() if self.start_s else {}
        held.pop("energy", None)
        return Unit(
            id=str(self.job_id),
            started_at_s=self.start_s or self.end_s,
            ended_at_s=self.end_s or None,
            display_id="" if self.display_id == str(self.job_id) else self.display_id,
            array=str(self.array) if self.task is not None else "",
            name=self.name,
            state=self.state.lower(),
            exit_code="1:15",
            submitted_at_s=self.submit_s,
            suspended_s=self.suspended_s,
            user=self.user,
            uid=1000,
            group="users",
            account=self.account,
            partition="batch",
            qos="normal",
            cpus=held.get("cpu", 0),
            nodes=held.get("node", 0),
            gpus=self.gpus.get("", sum(self.gpus.values())) if held else 0,
            memory_mib=held.get("mem", 0),
            billing=held.get("billing", 0),
            tres=",".join(
                f"{name}={count}{'M' * (name == 'mem')}" for name, count in sorted(held.items())
            ),
            node_list=self.node_list if held else "",
            work_directory="/home/alice",
            scheduler_joules=self.joules if held else None,
        )


def printed(records: Sequence[Record], delimiter: str) -> bytes:
    """The output of sacct."""
    header = delimiter.join((*FIELDS, "\n"))
    return (header + "".join(record.printed(delimiter) for record in records)).encode()


def records(seed: int, count: int) -> list[Record]:
    """Make records of all kinds, in the order of their ids."""
    return list(_records(random.Random(seed), count))


def _records(draw: random.Random, count: int) -> Iterator[Record]:
    for job_id in range(100, 100 + count):
        submit_s = BEGIN_S + draw.randrange(30 * 86400)
        start_s = submit_s + draw.randrange(7200)
        end_s = start_s + draw.choice((0, 1, 59, 3600, 90_000, 3_000_000))
        kind = draw.randrange(12)
        if kind == 0:
            start_s, end_s = 0, start_s  # cancelled before it ran
        elif kind == 1:
            end_s = 0  # runs
        elif kind == 2:
            start_s = end_s = 0  # waits
        state = draw.choice(ENDS) if end_s else "RUNNING" if start_s else "PENDING"
        suspended_s = draw.randrange(end_s - start_s) if start_s and end_s > start_s + 1 else 0
        yield Record(
            job_id, start_s, end_s, submit_s, suspended_s,
            state="CANCELLED" if kind == 0 else state,
            **draw.choice((
                {}, {}, {"array": 100, "task": job_id}, {"het": 100, "het_offset": draw.randrange(4)},
            )),
            name=draw.choice(NAMES),
            user=draw.choice(("alice", "bob", "o.brien", "müller", "user@realm", "1234", "")),
            account=draw.choice(("physics", "optics", "")),
            cpus=draw.choice((1, 4, 128, 40_000)),
            nodes=draw.choice((1, 2, 300)),
            memory_mib=draw.choice((1, 320, 4000, 328_192, 5_000_000)),
            gpus=draw.choice(GPUS),
            shards=draw.choice((0, 0, 6)),
            joules=draw.choice((None, None, 1, 123_456_789_012)),
        )  # fmt: skip
