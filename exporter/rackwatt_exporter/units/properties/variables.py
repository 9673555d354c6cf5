"""Properties of a job by the variables that its manager gives to its processes.

Slurm: sbatch(1), `OUTPUT ENVIRONMENT VARIABLES`; 22.05 has no SLURM_JOB_START_TIME, newer ones do.
OpenPBS: qsub(1B), `ENVIRONMENT VARIABLES`, which have no account. Grid Engine: qsub(1), the same.

Variables are what the processes of a job have: a user can change those of their own. So a process
counts only where it names the job that its control group is of. Where that is not enough, a prolog
writes files (prolog.py).
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rackwatt_exporter.printable import printable
from rackwatt_exporter.units.properties.job import JobProperties

_MAX_TEXT = 4096


class JobVariables(NamedTuple):
    """The variable of each property, by the fields of JobProperties; `job` has the job's id.

    `identity` takes that id from the id of a unit.
    """

    job: str
    names: Mapping[str, str]
    identity: Callable[[str], str]

    @property
    def all(self) -> frozenset[str]:
        """Return the names of all variables."""
        return frozenset((self.job, *self.names.values()))


VARIABLES: Mapping[str, JobVariables] = MappingProxyType(
    {
        "slurm": JobVariables(
            "SLURM_JOB_ID",
            {
                "user": "SLURM_JOB_USER",
                "account": "SLURM_JOB_ACCOUNT",
                "nodelist": "SLURM_JOB_NODELIST",
                "name": "SLURM_JOB_NAME",
                "cluster": "SLURM_CLUSTER_NAME",
                "start": "SLURM_JOB_START_TIME",
            },
            lambda unit: unit.rpartition("/")[2],
        ),
        "pbs": JobVariables(
            "PBS_JOBID",
            {"user": "PBS_O_LOGNAME", "name": "PBS_JOBNAME"},
            lambda unit: unit,
        ),
        "gridengine": JobVariables(
            "JOB_ID",
            {
                "user": "SGE_O_LOGNAME",
                "account": "SGE_ACCOUNT",
                "name": "JOB_NAME",
                "cluster": "SGE_CLUSTER_NAME",
            },
            lambda unit: unit.partition(".")[0],
        ),
    }
)


def of_variables(
    manager: str, unit: str, processes: Iterable[Mapping[str, str]]
) -> JobProperties | None:
    """Return the properties of a job by its processes; None where none of them names it."""
    known = VARIABLES[manager]
    job = known.identity(unit)
    own = [one for one in processes if one.get(known.job) == job]
    if not own:
        return None
    return JobProperties(
        **{
            field: next((text for one in own if (text := _text(one.get(name, "")))), "")
            for field, name in known.names.items()
        }
    )


def _text(value: str) -> str:
    return printable(value.strip(), _MAX_TEXT)
