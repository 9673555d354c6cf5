"""Processes of units for a continuous profiler, as Prometheus' service discovery lists targets.

Grafana Alloy takes the process of a target from its label `__process_pid__`, and names a profile by
`service_name`. What a manager runs beside a job, to keep it or to start it, is left out.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.units.environ import environ, variables
from rackwatt_exporter.units.processes import ProcessGroup, every_process

_MAX_BYTES = 4096
_SLEEP = re.compile(rb"(?:.*/)?sleep")
_SHELL = re.compile(rb"(?:.*/)?-?(?:ba)?sh")
_SCRIPT = re.compile(rb"(?:.*/)?slurm_script")


class ProfilingTargets(NamedTuple):
    """Targets, and how many processes may not be read."""

    targets: list[dict[str, object]]
    denied: int


def profiling_targets(
    units: Iterable[ProcessGroup], procfs: Path, names: Collection[str]
) -> ProfilingTargets:
    """Return a target for each process that has one of these variables; for all without names."""
    targets: list[dict[str, object]] = []
    denied = 0
    for unit, path in units:
        for pid in every_process(path):
            try:
                is_wanted = _is_wanted(procfs / pid, names)
            except PermissionError:
                denied += 1
            except OSError:
                continue  # it has ended meanwhile
            else:
                if is_wanted:
                    labels = {"__process_pid__": pid, "service_name": unit}
                    # Prometheus takes no address with a slash, as that of another slurmd has.
                    address = unit.rpartition("/")[2]
                    targets.append({"targets": [address], "labels": labels})
    return ProfilingTargets(targets, denied)


def _is_wanted(process: Path, names: Collection[str]) -> bool:
    with open(process / "cmdline", "rb", buffering=0) as file:
        command = file.read(_MAX_BYTES)
    if not command.strip(b"\0") or is_helper(command):
        return False
    return not names or bool(variables(environ(process), names))


def is_helper(command: bytes) -> bool:
    """Return whether a command line is one of those that Slurm runs beside a job."""
    words = command.rstrip(b"\0").split(b"\0")
    if words[0].startswith(b"slurmstepd:"):
        return True
    if len(words) < 2:
        return False
    if _SLEEP.fullmatch(words[0]):
        return len(words) == 2 and words[1].isdigit()
    return bool(_SHELL.fullmatch(words[0]) and _SCRIPT.fullmatch(words[1]))
