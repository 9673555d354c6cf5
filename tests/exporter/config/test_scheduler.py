"""Resolved SchedulerBindings."""

import pytest

from rackwatt_crds.schedulers.commands import Cli
from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.scheduler import SchedulerConfig, TracingOptions
from tests.exporter.schedulers.bindings import resolved


def test_an_absent_field_has_its_default() -> None:
    assert resolved("slurm: {cli: {}}") == SchedulerConfig(
        name="prod",
        document="prod",
        cluster="alpha",
        kind="slurm",
        settings=Slurm(cli=Cli()),
        interval_s=30.0,
        timeout_s=10.0,
        stale_after_s=90.0,
        max_backoff_s=60.0,
    )


def test_states_are_stale_after_three_intervals_of_the_document() -> None:
    found = resolved("interval: 10s, timeout: 4s, noop: {}")
    assert (found.interval_s, found.timeout_s, found.stale_after_s) == (10.0, 4.0, 30.0)


def test_the_back_off_is_never_shorter_than_the_interval() -> None:
    assert resolved("interval: 10m, noop: {}").max_backoff_s == 600.0


def test_the_same_settings_are_the_same_access() -> None:
    spec = "noop: {states: [{names: 'n[1-2]', state: idle}]}"
    assert resolved(spec).connection_key == resolved(spec).connection_key
    assert resolved(spec).connection_key != resolved("noop: {}").connection_key
    assert resolved(spec).connection_key != resolved(f"timeout: 5s, {spec}").connection_key


@pytest.mark.parametrize(
    ("spec", "label"), [("slurm: {ssh: {host: login1}}", "slurm/ssh"), ("noop: {}", "noop")]
)
def test_a_binding_is_called_by_its_scheduler_and_how_it_is_polled(spec: str, label: str) -> None:
    assert resolved(spec).label == label


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("noop: {states: [{names: 'n[1-', state: idle}]}", "spec.noop.states[0].names"),
        (
            "noop: {states: [{names: n1, state: idle}, {names: 'n[1-2]', state: down}]}",
            "'n1' already has the state idle",
        ),
        (
            "slurm: {rest: {url: 'http://[::1', tokenSecretRef: {name: s, key: t}}}",
            "spec.slurm.rest.url",
        ),
        (
            "slurm: {rest: {url: 'http://slurm:99999', tokenSecretRef: {name: s, key: t}}}",
            "spec.slurm.rest.url",
        ),
    ],
)
def test_an_invalid_binding_is_reported_with_its_path(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        resolved(spec)
    assert message in str(caught.value)


def test_metrics_have_their_defaults_and_jobs_are_read_for_any_of_them() -> None:
    metrics = resolved("noop: {}").metrics
    assert (metrics.jobs, metrics.partitions, metrics.users, metrics.accounts) == (True,) * 4
    assert (metrics.per_job.enabled, metrics.per_job.max) == (False, 1000)
    assert metrics.reads_jobs
    none = "jobs: false, partitions: false, users: false, accounts: false"
    assert not resolved(f"metrics: {{{none}}}, noop: {{}}").metrics.reads_jobs
    some = resolved(f"metrics: {{{none}, perJob: {{enabled: true, max: 7}}}}, noop: {{}}").metrics
    assert some.reads_jobs
    assert some.per_job.max == 7


def test_the_connection_key_has_whether_jobs_are_read_and_not_which_metrics() -> None:
    off = "metrics: {jobs: false, partitions: false, users: false, accounts: false}"
    every = resolved("slurm: {cli: {}}").connection_key
    assert resolved(f"{off}, slurm: {{cli: {{}}}}").connection_key != every
    assert resolved("metrics: {users: false}, slurm: {cli: {}}").connection_key == every


def test_jobs_are_not_read_where_they_are_only_counted() -> None:
    counted = resolved("slurm: {openMetrics: {url: 'http://slurmctld:6817'}}")
    assert counted.metrics.reads_jobs
    assert not counted.reads_jobs
    assert counted.subjects == {"partitions"}


def test_the_connection_key_has_what_is_read_of_slurm_alone_beside_nodes_and_jobs() -> None:
    for scheduler, is_same in (("slurm: {cli: {}}", False), ("pbs: {cli: {}}", True)):
        wanted = resolved(f"metrics: {{licenses: true}}, {scheduler}")
        assert (wanted.connection_key == resolved(scheduler).connection_key) == is_same


def test_jobs_are_traced_only_where_the_document_says_so_and_are_read_for_it() -> None:
    off = "jobs: false, partitions: false, users: false, accounts: false"
    none = f"metrics: {{{off}}}, slurm: {{cli: {{}}}}"
    assert resolved(none).tracing == TracingOptions(enabled=False)
    assert not resolved(none).reads_jobs
    traced = resolved(f"{none}, tracing: {{enabled: true}}")
    assert traced.reads_jobs
    assert traced.connection_key != resolved(none).connection_key
    assert traced.tracing == TracingOptions(True, "/trace", 10.0, None, 1000)


def test_every_option_of_tracing_is_resolved() -> None:
    words = "path: /jobs, staleAfter: 1m, maxJobs: 7, tokenSecretRef: {name: s, key: t}"
    tracing = resolved(f"noop: {{}}, tracing: {{enabled: true, {words}}}").tracing
    assert tracing == TracingOptions(True, "/jobs", 60.0, SecretKey("s", "t"), 7)
