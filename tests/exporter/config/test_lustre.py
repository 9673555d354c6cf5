"""The Lustre of a SchedulerBinding, resolved."""

from dataclasses import replace

from rackwatt_crds.loading import load
from rackwatt_exporter.config.fleet import Fleet, resolve_fleet
from rackwatt_exporter.config.lustre import LustreConfig, LustreOptions
from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.schedule import Schedule
from rackwatt_exporter.config.shard import Shard

URL = "http://prometheus.example:9090"
NO_METRICS = "{jobs: false, partitions: false, users: false, accounts: false}"


def fleet(spec: str) -> Fleet:
    text = (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: SchedulerBinding\nmetadata: {name: prod}\n"
        f"spec: {{cluster: alpha, slurm: {{cli: {{}}}}, {spec}}}\n"
    )
    resolved = resolve_fleet(load(text.encode(), "test"))
    assert not resolved.problems
    return resolved


def test_an_absent_field_has_its_default() -> None:
    options = LustreOptions(URL, "1m", ("procname_uid", "%j", "%j:%e.%u"), "5m")
    assert fleet(f'lustre: {{prometheusURL: "{URL}"}}').lustre == {
        "prod": LustreConfig("prod", "alpha", options, schedule=Schedule(30, 10, 90, 60))
    }


def test_a_given_field_has_its_value_and_the_schedule_is_that_of_the_binding() -> None:
    config = fleet(
        "interval: 2m, timeout: 5s, staleAfter: 3m, metrics: {exclude: cluster_proc_.*}, lustre: "
        f'{{prometheusURL: "{URL}", range: 30s, grace: 0s, jobid: ["%j"], '
        "credentials: {secretRef: {name: p}}, tls: {caSecretRef: {name: ca}, serverName: p.x}}"
    ).lustre["prod"]
    assert config.options == LustreOptions(URL, "30s", ("%j",), "0s")
    assert config.tls == TlsOptions(ca_secret="ca", server_name="p.x")
    assert (config.credentials, config.exclude) == ("p", "cluster_proc_.*")
    assert config.schedule == Schedule(120, 5, 180, 120)
    assert config.grace_s == 0


def test_jobs_are_read_for_lustre_though_no_metric_needs_them() -> None:
    without = fleet(f"metrics: {NO_METRICS}").schedulers["prod"]
    joined = fleet(f'metrics: {NO_METRICS}, lustre: {{prometheusURL: "{URL}"}}').schedulers["prod"]
    assert (without.reads_jobs, joined.reads_jobs) == (False, True)
    assert without.connection_key != joined.connection_key
    assert without == replace(joined, has_lustre=False)


def test_the_first_of_several_shards_alone_has_it() -> None:
    whole = fleet(f'lustre: {{prometheusURL: "{URL}"}}')
    assert Shard(1, 2).select(whole).lustre == whole.lustre
    assert Shard(2, 2).select(whole).lustre == {}
