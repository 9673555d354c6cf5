"""Slurm's settings, resolved."""

import pytest

from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_exporter.config.options import SecretKey, TlsOptions
from rackwatt_exporter.schedulers.commands import CliOptions, SshOptions
from rackwatt_exporter.schedulers.slurm.options import (
    HeaderOptions,
    SlurmCommandOptions,
    SlurmMetricsOptions,
    SlurmOptions,
    SlurmRestOptions,
    slurm_options,
)
from tests.exporter.schedulers.bindings import resolved


def options_of(spec: str) -> SlurmOptions:
    settings = resolved(spec).settings
    assert isinstance(settings, Slurm)
    return slurm_options(settings)


def test_an_absent_field_has_its_default() -> None:
    assert options_of("slurm: {cli: {}}") == SlurmCommandOptions(CliOptions(path=None))
    ssh = SlurmCommandOptions(SshOptions("login1", 22))
    assert options_of("slurm: {ssh: {host: login1}}") == ssh


def test_a_document_without_a_way_is_refused() -> None:
    with pytest.raises(ValueError, match="neither cli nor ssh"):
        slurm_options(Slurm())


def test_ssh_is_read_with_its_secrets() -> None:
    spec = (
        "ssh: {host: login1, user: watt, keySecretRef: {name: k}, knownHostsSecretRef: {name: h}}"
    )
    assert options_of(f"slurm: {{{spec}}}") == SlurmCommandOptions(
        SshOptions(host="login1", port=22, user="watt", key_secret="k", known_hosts_secret="h")
    )


def test_rest_is_read_with_its_secrets_and_tls() -> None:
    spec = (
        "rest: {url: 'https://slurm:6820/', user: watt, jwtKeySecretRef: {name: s, key: jwt.key},"
        " tls: {caSecretRef: {name: ca}, serverName: slurm.example}}"
    )
    assert options_of(f"slurm: {{{spec}}}") == SlurmRestOptions(
        url="https://slurm:6820",
        user="watt",
        jwt_key=SecretKey("s", "jwt.key"),
        token=None,
        tls=TlsOptions(ca_secret="ca", server_name="slurm.example"),
    )


def test_open_metrics_are_read_with_the_log_in_of_rest() -> None:
    login = "user: watt, jwtKeySecretRef: {name: s, key: jwt.key}, claims: {iss: us}"
    assert options_of(f"slurm: {{openMetrics: {{url: 'http://slurm:6817/', {login}}}}}") == (
        SlurmMetricsOptions(
            url="http://slurm:6817",
            user="watt",
            jwt_key=SecretKey("s", "jwt.key"),
            claims=(("iss", "us"),),
        )
    )


def test_rest_is_read_with_version_claims_headers_and_a_certificate_of_ours() -> None:
    spec = (
        "cluster: prod, rest: {url: 'unix:/run/slurmrestd.sock', version: v0.0.40, user: watt,"
        " jwtKeySecretRef: {name: s, key: k}, claims: {iss: a, aud: b},"
        " headers: [{name: X-Scope, value: hpc}, {name: Authorization, valueSecretRef: {name: g,"
        " key: t}}], tls: {clientSecretRef: {name: ours}}}"
    )
    assert options_of(f"slurm: {{{spec}}}") == SlurmRestOptions(
        url="unix:/run/slurmrestd.sock",
        user="watt",
        jwt_key=SecretKey("s", "k"),
        claims=(("aud", "b"), ("iss", "a")),
        headers=(
            HeaderOptions("X-Scope", "hpc"),
            HeaderOptions("Authorization", secret=SecretKey("g", "t")),
        ),
        version="v0.0.40",
        cluster="prod",
        tls=TlsOptions(client_secret="ours"),
    )


@pytest.mark.parametrize("way", ["cli: {}", "ssh: {host: login1}"])
def test_commands_are_read_with_the_cluster_that_is_meant(way: str) -> None:
    options = options_of(f"slurm: {{cluster: prod, {way}}}")
    assert isinstance(options, SlurmCommandOptions)
    assert options.cluster == "prod"
