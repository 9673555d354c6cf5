"""Families of prometheus-slurm-exporter, by its names and labels.

They are a profile, served of Slurm alone. Each has the labels of its scheduler in addition, since
one page may have several.
"""

from typing import NamedTuple

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

PROFILE = "slurm-exporter"
SCHEDULER = "slurm"


def family(name: str, help_text: str, *labels: str) -> MetricFamily:
    """Return a family of the profile; `labels` follow those of its scheduler."""
    return MetricFamily(name, "gauge", help_text, (*SCHEDULER_LABELS, *labels), profile=PROFILE)


NODES = family("slurm_node_count_per_state", "Number of nodes in each state.", "state")
STATE_CPUS = family("slurm_cpus_per_state", "Number of CPUs of nodes in each state.", "state")
CPUS = family("slurm_cpus_total", "Number of CPUs, each node counted once.")
IDLE_CPUS = family("slurm_cpus_idle", "Number of CPUs that no job holds, of nodes in service.")
MEMORY = family("slurm_mem_real", "Memory of nodes in bytes, each node counted once.")
ALLOCATED_MEMORY = family("slurm_mem_alloc", "Memory in bytes that Slurm has allocated to jobs.")
LOAD = family("slurm_cpu_load", "Sum of the load averages of nodes, each node counted once.")
FREE_MEMORY = family(
    "slurm_mem_free", "Memory in bytes that the systems of nodes have not in use, each node once."
)
PARTITION_NODES = family(
    "slurm_partition_node_count",
    "Number of nodes of the partition in each state.",
    "partition",
    "state",
)
PARTITION_CPUS = family(
    "slurm_partition_total_cpus", "Number of CPUs of the partition's nodes.", "partition"
)
PARTITION_IDLE_CPUS = family(
    "slurm_partition_idle_cpus",
    "Number of CPUs that no job holds, of the partition's nodes in service.",
    "partition",
)
PARTITION_ALLOCATED_CPUS = family(
    "slurm_partition_alloc_cpus",
    "Number of CPUs that jobs of any partition hold of the partition's nodes in each state.",
    "partition",
    "state",
)
PARTITION_MEMORY = family(
    "slurm_partition_real_mem", "Memory of the partition's nodes in bytes.", "partition"
)
PARTITION_ALLOCATED_MEMORY = family(
    "slurm_partition_alloc_mem",
    "Memory in bytes that jobs of any partition hold of the partition's nodes in each state.",
    "partition",
    "state",
)
PARTITION_LOAD = family(
    "slurm_partition_cpu_load", "Sum of the load averages of the partition's nodes.", "partition"
)
PARTITION_FREE_MEMORY = family(
    "slurm_partition_free_mem",
    "Memory in bytes that the systems of the partition's nodes have not in use.",
    "partition",
)
PARTITION_WEIGHT = family(
    "slurm_partition_weight", "Sum of the weights of the partition's nodes.", "partition"
)
PARTITION_JOBS = family(
    "slurm_partition_job_state_total",
    "Number of jobs of the partition in each state; a job that may start in several is in each.",
    "partition",
    "state",
)
PENDING = family(
    "slurm_pending_reason_total",
    "Number of jobs that wait, by the reason that Slurm gives, without names of nodes.",
    "reason",
)


FEATURE_JOBS = family(
    "slurm_feature_total", "Number of jobs whose constraint names the feature.", "feature"
)
FEATURE_CPUS = family(
    "slurm_feature_cpu_alloc",
    "Number of CPUs held by jobs whose constraint names the feature.",
    "feature",
)
FEATURE_MEMORY = family(
    "slurm_feature_mem_alloc",
    "Memory in bytes held by jobs whose constraint names the feature.",
    "feature",
)


class Group(NamedTuple):
    """Families of the jobs of each user or account, by state."""

    jobs: MetricFamily
    cpus: MetricFamily
    memory: MetricFamily

    @classmethod
    def of(cls, names: tuple[str, str, str], label: str, noun: str) -> "Group":
        """Make the families of a label; `names` are those of jobs, CPUs and memory."""
        jobs, cpus, memory = names
        held = f"that jobs of the {noun} hold, and request while they wait, by state."
        return cls(
            family(jobs, f"Number of jobs of the {noun} in each state.", label, "state"),
            family(cpus, f"Number of CPUs {held}", label, "state"),
            family(memory, f"Memory in bytes {held}", label, "state"),
        )


USER = Group.of(
    ("slurm_user_state_total", "slurm_user_cpu_alloc", "slurm_user_mem_alloc"), "username", "user"
)
ACCOUNT = Group.of(
    (
        "slurm_account_job_state_total",
        "slurm_account_job_state_cpu_alloc",
        "slurm_account_job_state_mem_alloc",
    ),
    "account",
    "account",
)
ACCOUNT_CPUS = family(
    "slurm_account_cpu_alloc", "Number of CPUs that jobs of the account hold.", "account"
)
ACCOUNT_MEMORY = family(
    "slurm_account_mem_alloc", "Memory in bytes that jobs of the account hold.", "account"
)
ACCOUNT_CPU_LIMIT = family(
    "slurm_account_cpu_limit",
    "Number of CPUs that jobs of the account may hold together.",
    "account",
)
ACCOUNT_MEMORY_LIMIT = family(
    "slurm_account_mem_limit",
    "Memory in bytes that jobs of the account may hold together.",
    "account",
)
ACCOUNT_RUNNING_LIMIT = family(
    "slurm_account_job_alloc_limit",
    "Number of jobs of the account that may run at the same time.",
    "account",
)
ACCOUNT_JOB_LIMIT = family(
    "slurm_account_job_limit", "Number of jobs of the account that may run and wait.", "account"
)
ACCOUNT_FAIR_SHARE = family(
    "slurm_account_fairshare",
    "Fair-share factor of the account, where Slurm computes one of accounts.",
    "account",
)
CREDITS = family(
    "slurm_scredits_allocation_total",
    "Billing minutes that jobs of the account may use, of GrpTRESMins.",
    "account",
)
CREDITS_LEFT = family(
    "slurm_scredits_remaining", "Billing minutes that are left to the account.", "account"
)
CREDITS_USED = family(
    "slurm_scredits_used", "Billing minutes that jobs of the account have used.", "account"
)
CREDITS_PERCENT = family(
    "slurm_scredits_used_percent",
    "Percent of its billing minutes that jobs of the account have used.",
    "account",
)
FAMILIES = (
    NODES, STATE_CPUS, CPUS, IDLE_CPUS, MEMORY, ALLOCATED_MEMORY, PARTITION_NODES, PARTITION_CPUS,
    PARTITION_IDLE_CPUS, PARTITION_ALLOCATED_CPUS, PARTITION_MEMORY, PARTITION_ALLOCATED_MEMORY,
    LOAD, FREE_MEMORY, PARTITION_LOAD, PARTITION_FREE_MEMORY, PARTITION_WEIGHT,
    PARTITION_JOBS, PENDING, FEATURE_JOBS, FEATURE_CPUS, FEATURE_MEMORY,
    *USER, *ACCOUNT, ACCOUNT_CPUS, ACCOUNT_MEMORY,
    ACCOUNT_CPU_LIMIT, ACCOUNT_MEMORY_LIMIT, ACCOUNT_RUNNING_LIMIT, ACCOUNT_JOB_LIMIT,
    ACCOUNT_FAIR_SHARE, CREDITS, CREDITS_LEFT, CREDITS_USED, CREDITS_PERCENT,
)  # fmt: skip
