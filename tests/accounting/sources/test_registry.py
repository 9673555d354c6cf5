from pathlib import Path

import pytest

from rackwatt_accounting.sources.registry import accounting_source
from rackwatt_exporter.config.secrets import Secrets
from tests.exporter.schedulers.bindings import resolved

REST = "slurm: {rest: {url: 'http://slurm:6820', tokenSecretRef: {name: slurm, key: token}}}"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("slurm: {cli: {}}", "SacctSource"),
        ("slurm: {ssh: {host: login1}}", "SacctSource"),
        (REST, "SlurmRestSource"),
    ],
)
async def test_a_binding_has_the_source_of_its_interface(
    spec: str, name: str, tmp_path: Path
) -> None:
    source = accounting_source(resolved(spec), Secrets(tmp_path))
    assert type(source).__name__ == name
    await source.close()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("flux: {cli: {}}", "flux has no accounting"),
        ("noop: {}", "noop has no accounting"),
        ("slurm: {openMetrics: {url: 'http://slurm:6817'}}", "slurm.openMetrics has no accounting"),
    ],
)
def test_a_binding_without_accounting_is_refused_with_the_reason(
    spec: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words):
        accounting_source(resolved(spec), Secrets(tmp_path))
