from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.schedulers.views import slurm_traces, traces
from tests.exporter.schedulers.model.test_trace import report

LABELS = 'scheduler="prod",cluster="alpha",jobid="1",step="0",node="cs2",rank="1",pid="10"'


def lines(report: TraceReport) -> set[str]:
    return {line.decode() for line in traces.text(("prod", "alpha"), report).values()}


def slurm(
    *reports: TraceReport, jobs: dict[str, Job] | None = None
) -> set[tuple[str, tuple[str, ...], float]]:
    made = slurm_traces.samples(reports, jobs)
    return {(sample.family.name, sample.labels, sample.value) for sample in made}


def test_the_families_have_what_a_process_reports_in_base_units() -> None:
    one = report(job_id=1, step="0", rank=1, cpus=250, processes=3, gpu_joules=7.5)
    assert lines(one) == {
        f"rackwatt_scheduler_trace_used_cpus{{{LABELS}}} 2.5\n",
        f"rackwatt_scheduler_trace_memory_bytes{{{LABELS}}} 4096.0\n",
        f"rackwatt_scheduler_trace_threads{{{LABELS}}} 3.0\n",
        f"rackwatt_scheduler_trace_processes{{{LABELS}}} 3\n",
        f"rackwatt_scheduler_trace_read_bytes_total{{{LABELS}}} 0.0\n",
        f"rackwatt_scheduler_trace_written_bytes_total{{{LABELS}}} 12.0\n",
        f"rackwatt_scheduler_trace_gpu_energy_joules_total{{{LABELS}}} 7.5\n",
    }


def test_the_families_have_nothing_that_was_not_measured() -> None:
    unknown = dict.fromkeys(("cpus", "threads", "mem", "read_bytes", "write_bytes"))
    assert lines(report(**unknown)) == set()


def test_names_that_a_job_sends_are_escaped_in_labels() -> None:
    made = lines(report(step='x"} 1\n', hostname="a\\b"))
    assert made
    assert all('step="x\\"} 1",node="a\\\\b"' in line for line in made)
    assert all(line.count("\n") == 1 for line in made)


def test_the_slurm_families_add_up_the_processes_of_a_user() -> None:
    ranks = [report(rank=rank, pid=10 + rank, hostname=f"cs{rank}") for rank in (0, 1)]
    job = Job("26515966", "running", allocated=Resources(4, 2**30))
    assert slurm(*ranks, jobs={job.id: job}) == {
        ("slurm_proc_pid", ("26515966", "cs0"), 10),
        ("slurm_proc_pid", ("26515966", "cs1"), 11),
        ("slurm_proc_cpu_usage", ("26515966", "alice"), 199.8),
        ("slurm_proc_mem_usage", ("26515966", "alice"), 8192),
        ("slurm_proc_threadcount", ("26515966", "alice"), 6),
        ("slurm_proc_read_bytes", ("26515966", "alice"), 0),
        ("slurm_proc_write_bytes", ("26515966", "alice"), 24),
        ("slurm_job_cpu_alloc", ("26515966",), 4),
        ("slurm_job_mem_alloc", ("26515966",), 2**30),
    }


def test_the_slurm_families_name_the_process_of_the_lowest_rank_on_a_host() -> None:
    found = slurm(report(rank=1, pid=3), report(rank=0, pid=9))
    assert ("slurm_proc_pid", ("26515966", "cs2"), 9) in found
    assert sum(name == "slurm_proc_pid" for name, *_ in found) == 1


def test_the_slurm_families_have_no_sum_of_what_one_process_does_not_report() -> None:
    found = {name for name, *_ in slurm(report(pid=1), report(pid=2, mem=None))}
    assert "slurm_proc_mem_usage" not in found
    assert "slurm_proc_cpu_usage" in found


def test_the_slurm_families_have_no_allocation_of_a_job_that_holds_nothing() -> None:
    for jobs in (None, {}, {"26515966": Job("26515966", "running")}):
        assert not any(name.startswith("slurm_job_") for name, *_ in slurm(report(), jobs=jobs))
