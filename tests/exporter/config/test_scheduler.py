"""A SchedulerBinding with every setting decided."""

import pytest

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.loading import load
from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.scheduler import (
    HeaderOptions,
    NoopOptions,
    SchedulerConfig,
    SecretKey,
    SlurmCliOptions,
    SlurmRestOptions,
    SlurmSshOptions,
    binding,
)


def resolved(spec: str) -> SchedulerConfig:
    text = f"""
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec: {{cluster: alpha, {spec}}}
"""
    (loaded,) = load(text.encode(), "test")
    assert not loaded.problems
    assert isinstance(loaded.document, SchedulerBinding)
    return binding(loaded.document)


def test_what_is_not_said_has_its_default() -> None:
    assert resolved("slurm: {cli: {}}") == SchedulerConfig(
        name="prod",
        document="prod",
        cluster="alpha",
        options=SlurmCliOptions(path=None),
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


def test_ssh_is_read_with_its_secrets() -> None:
    spec = (
        "ssh: {host: login1, user: watt, keySecretRef: {name: k}, knownHostsSecretRef: {name: h}}"
    )
    assert resolved(f"slurm: {{{spec}}}").options == SlurmSshOptions(
        host="login1", port=22, user="watt", key_secret="k", known_hosts_secret="h"
    )


def test_rest_is_read_with_its_secrets_and_tls() -> None:
    spec = (
        "rest: {url: 'https://slurm:6820/', user: watt, jwtKeySecretRef: {name: s, key: jwt.key},"
        " tls: {caSecretRef: {name: ca}, serverName: slurm.example}}"
    )
    assert resolved(f"slurm: {{{spec}}}").options == SlurmRestOptions(
        url="https://slurm:6820",
        user="watt",
        jwt_key=SecretKey("s", "jwt.key"),
        token=None,
        tls=TlsOptions(ca_secret="ca", server_name="slurm.example"),
    )


def test_rest_is_read_with_version_claims_headers_and_a_certificate_of_ours() -> None:
    spec = (
        "cluster: prod, rest: {url: 'unix:/run/slurmrestd.sock', version: v0.0.40, user: watt,"
        " jwtKeySecretRef: {name: s, key: k}, claims: {iss: a, aud: b},"
        " headers: [{name: X-Scope, value: hpc}, {name: Authorization, valueSecretRef: {name: g,"
        " key: t}}], tls: {clientSecretRef: {name: ours}}}"
    )
    assert resolved(f"slurm: {{{spec}}}").options == SlurmRestOptions(
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
    options = resolved(f"slurm: {{cluster: prod, {way}}}").options
    assert isinstance(options, SlurmCliOptions | SlurmSshOptions)
    assert options.cluster == "prod"


def test_pinned_host_lists_are_expanded() -> None:
    spec = "noop: {states: [{names: 'n[1-2]', state: idle}, {names: x, state: drained}]}"
    assert resolved(spec).options == NoopOptions((("n1", "idle"), ("n2", "idle"), ("x", "drained")))


def test_the_same_options_are_the_same_access() -> None:
    spec = "noop: {states: [{names: 'n[1-2]', state: idle}]}"
    assert resolved(spec).access == resolved(spec).access
    assert len({resolved(spec).access, resolved("noop: {}").access}) == 2


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("noop: {states: [{names: 'n[1-', state: idle}]}", "spec.noop.states[0].names"),
        (
            "noop: {states: [{names: n1, state: idle}, {names: 'n[1-2]', state: down}]}",
            "'n1' is said to be idle already",
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
def test_what_cannot_be_is_told_with_its_path(spec: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        resolved(spec)
    assert told in str(caught.value)
