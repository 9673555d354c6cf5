"""One unit of accounting: a job, a VM or a pod, as its scheduler accounts for it.

A record is a fact of one run: a job that was requeued has several, with one id. So `id` alone is
no key: schedulers use ids again, too. A run is known by its id, its start and its restart.
"""

import msgspec


class Unit(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One run of a unit. Times are Unix times; an empty text or None was not reported.

    `id` is the id that processes have in their environment, such as `SLURM_JOB_ID`; `display_id`
    the one that people know where it differs, such as `100_3` or `100+1`. `started_at_s` equals
    `ended_at_s` where a unit ended before it ran: it held nothing. `ended_at_s` is None while it
    runs. `suspended_s` counts seconds between the two in which it did not run.

    `state` is a word of rackwatt_exporter.schedulers.model.job_state. `cpus`, `nodes`, `gpus`,
    `memory_mib` and `billing` are allocated, over all nodes. `gpus` counts whole GPUs and
    instances alike; `tres` has all that was allocated as the scheduler writes it.
    `cpu_used_ms` is the processor time used, `memory_used_mib` the largest resident memory.
    `scheduler_joules` is the scheduler's own figure: a second opinion, never mixed with ours.
    """

    id: str
    started_at_s: int
    ended_at_s: int | None = None
    restart: int = 0
    display_id: str = ""
    array: str = ""
    name: str = ""
    state: str = "unknown"
    exit_code: str = ""
    submitted_at_s: int | None = None
    suspended_s: int = 0
    user: str = ""
    uid: int | None = None
    group: str = ""
    account: str = ""
    partition: str = ""
    qos: str = ""
    cpus: int = 0
    nodes: int = 0
    gpus: int = 0
    memory_mib: int = 0
    billing: int = 0
    tres: str = ""
    node_list: str = ""
    work_directory: str = ""
    cpu_used_ms: int | None = None
    memory_used_mib: int | None = None
    scheduler_joules: int | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """What one run is known by within its cluster."""
        return self.id, self.started_at_s, self.restart

    @property
    def is_running(self) -> bool:
        """Whether it holds its allocation still."""
        return self.ended_at_s is None

    @property
    def has_run(self) -> bool:
        """Whether it ever held its allocation."""
        return self.ended_at_s is None or self.ended_at_s > self.started_at_s
