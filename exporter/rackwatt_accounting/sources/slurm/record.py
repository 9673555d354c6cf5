"""A record of slurmdbd's as a unit, whether sacct printed it or slurmrestd answered it.

Two runs of a job have different starts, also where it was requeued: that is what they are known by,
and `restart` stays 0. Slurm counts restarts since 23.11 only, so that a number would change with a
release, and a run be counted twice.
"""

from functools import lru_cache

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.slurm.tres import allocation, split_energy

_PENDING = "pending"
_NO_NODES = "None assigned"
_NO_VALUE = 2**32 - 4  # slurm.h: NO_VAL, INFINITE and what is near them


def make_unit(
    job_id: str,
    display_id: str,
    state: str,
    exit_code: str,
    submitted_at_s: int,
    started_at_s: int,
    ended_at_s: int,
    suspended_s: int,
    uid: int,
    user: str,
    group: str,
    account: str,
    partition: str,
    qos: str,
    node_list: str,
    work_directory: str,
    name: str,
    tres: str,
) -> Unit | None:
    """Make the unit of a record; None for one that waits. A time of 0 has not come.

    `display_id` is as sacct writes JobID, such as `100_3` and `100+1`, `state` such as
    `CANCELLED by 1000`.
    """
    word = state_word(state)
    if not ended_at_s and (not started_at_s or word == _PENDING):
        return None
    if not started_at_s:
        held, joules = allocation(""), None  # sacct shows what was requested
        started_at_s, suspended_s = ended_at_s, 0
    else:
        rest, joules = split_energy(tres) if "energy=" in tres else (tres, None)
        held = allocation(rest)
        if ended_at_s:
            started_at_s = min(started_at_s, ended_at_s)
            suspended_s = min(suspended_s, ended_at_s - started_at_s)
    text, cpus, nodes, gpus, memory_mib, billing = held
    same = display_id == job_id
    return Unit(
        id=job_id,
        started_at_s=started_at_s,
        ended_at_s=ended_at_s or None,
        display_id="" if same else display_id,
        array="" if same or "_" not in display_id else display_id.partition("_")[0],
        name=name,
        state=word,
        exit_code=exit_code,
        submitted_at_s=submitted_at_s or None,
        suspended_s=suspended_s,
        user=user,
        uid=uid if 0 <= uid < _NO_VALUE else None,
        group=group,
        account=account,
        partition=partition,
        qos=qos,
        cpus=cpus,
        nodes=nodes,
        gpus=gpus,
        memory_mib=memory_mib,
        billing=billing,
        tres=text,
        node_list="" if node_list == _NO_NODES else node_list,
        work_directory=work_directory,
        scheduler_joules=joules,
    )


@lru_cache(1024)
def state_word(state: str) -> str:
    """Return the one word of a state such as `CANCELLED by 1000`; that of a requeue is `requeued`.

    It is of a run that has ended, where squeue's is of a job that will run again.
    """
    return state.partition(" ")[0].rstrip("+").lower() or "unknown"
