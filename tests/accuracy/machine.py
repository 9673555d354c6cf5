"""A machine with jobs, whose power is made by a model, so that the energy of each job is known.

The busy CPUs of a job draw power by its intensity: a core of one code draws twice that of another.
The clock falls as more cores are busy, so power is concave in the load, as on real processors. The
BMC sees the sum at the plug two seconds late, with noise, in whole watts; RAPL counts processors
and memory. What a job truly used is what its own cores and memory drew, and its part of the idle
machine by the CPUs that it holds.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

CPUS = 64
STEP_S = 1.0
IDLE_WATTS = 140.0
_IDLE_PROCESSOR_WATTS = 55.0
_IDLE_MEMORY_WATTS = 9.0
_CORE_WATTS = 5.0
_GIB_WATTS = 0.12
_SYSTEM_CPUS = 0.4
_LOSS = 0.08  # of the supplies, and fans, beside processors and memory
_LAG_STEPS = 2


@dataclass(frozen=True)
class Job:
    """A job: the CPUs that it holds, how busy they are, and how much power a busy one draws."""

    name: str
    begins_s: float
    ends_s: float
    cpus: int
    busy: float
    intensity: float
    gib: float

    def runs(self, at_s: float) -> bool:
        return self.begins_s <= at_s < self.ends_s


@dataclass
class Moment:
    """All counters at one moment, and the true joules of each job and of the rest."""

    at_s: float
    running: dict[str, Job]
    cpu_s: dict[str, float]
    busy_s: float
    used_bytes: int
    bmc_watts: float
    bmc_joules: float
    processor_joules: float
    memory_joules: float
    true_joules: dict[str, float]


@dataclass
class Machine:
    """The machine; `noise` is of the BMC's watts, in watts."""

    jobs: list[Job]
    seed: int = 1
    noise_watts: float = 3.0
    _true: dict[str, float] = field(default_factory=dict)

    def moments(self, until_s: float, every_s: float = 15.0) -> Iterator[Moment]:
        """Let time pass; yield what can be read every so often."""
        chance = random.Random(self.seed)
        cpu_s: dict[str, float] = {}
        busy_s = processor = memory = bmc = 0.0
        behind: deque[float] = deque([IDLE_WATTS] * (_LAG_STEPS + 1), maxlen=_LAG_STEPS + 1)
        next_s, at_s = 0.0, 0.0
        while at_s <= until_s:
            running = {job.name: job for job in self.jobs if job.runs(at_s)}
            used = {
                name: job.cpus * min(1.0, job.busy * chance.uniform(0.9, 1.1))
                for name, job in running.items()
            }
            cores = sum(used.values()) + _SYSTEM_CPUS
            slowing = 1.0 - 0.25 * cores / CPUS
            core = {
                name: used[name] * running[name].intensity * _CORE_WATTS * slowing for name in used
            }
            ram = {name: job.gib * _GIB_WATTS for name, job in running.items()}
            system = _SYSTEM_CPUS * _CORE_WATTS * slowing
            processor_watts = _IDLE_PROCESSOR_WATTS + sum(core.values()) + system
            memory_watts = _IDLE_MEMORY_WATTS + sum(ram.values())
            dynamic = sum(core.values()) + system + sum(ram.values())
            watts = IDLE_WATTS + dynamic * (1 + _LOSS)
            behind.append(watts)
            seen = float(round(behind[0] + chance.gauss(0, self.noise_watts)))
            if at_s >= next_s:
                yield Moment(
                    at_s, running, dict(cpu_s), busy_s,
                    round(sum(job.gib for job in running.values()) * 2**30) + 4 * 2**30,
                    seen, bmc, processor, memory, dict(self._true),
                )  # fmt: skip
                next_s += every_s
            for name, job in running.items():
                cpu_s[name] = cpu_s.get(name, 0.0) + used[name] * STEP_S
                own = (core[name] + ram[name]) * (1 + _LOSS) + IDLE_WATTS * job.cpus / CPUS
                self._true[name] = self._true.get(name, 0.0) + own * STEP_S
            busy_s += cores * STEP_S
            processor += processor_watts * STEP_S
            memory += memory_watts * STEP_S
            bmc += watts * STEP_S
            at_s += STEP_S


def campaign(seed: int, hours: float, intensities: tuple[float, ...], load: float) -> list[Job]:
    """Return jobs that come and go and hold a part of the machine, `load` of it on average."""
    chance = random.Random(seed)
    jobs: list[Job] = []
    free_at = [0.0] * 4  # of the slots, each a quarter of the machine
    for number in range(10_000):
        slot = min(range(4), key=free_at.__getitem__)
        begins_s = free_at[slot]
        if begins_s > hours * 3600:
            return jobs
        long_s = chance.uniform(120, 5400)
        jobs.append(
            Job(
                str(number), begins_s, begins_s + long_s, CPUS // 4, chance.uniform(0.3, 1.0),
                chance.choice(intensities), chance.uniform(1, 48),
            )
        )  # fmt: skip
        free_at[slot] = begins_s + long_s + long_s * (1 / load - 1)
    return jobs
