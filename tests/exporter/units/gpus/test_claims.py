import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.units.environ import variables
from rackwatt_exporter.units.gpus.claims import (
    NOTHING,
    VARIABLES,
    GpuClaim,
    job_claim,
    slurm_claim,
)
from tests.peers.slurm import SlurmCluster


def claim(*environs: bytes) -> GpuClaim:
    return slurm_claim(variables(one, VARIABLES) for one in environs)


def test_a_job_holds_all_of_its_gpus_and_not_those_of_one_step() -> None:
    step = b"SLURM_JOB_ID=7\0SLURM_JOB_GPUS=0,3\0SLURM_STEP_GPUS=3\0SLURM_NODEID=0\0"
    assert claim(step).numbers == (0, 3)
    assert claim(b"SLURM_STEP_GPUS=3\0", b"SLURM_STEP_GPUS=1,3\0").numbers == (1, 3)


def test_a_node_after_the_first_has_the_gpus_of_its_steps() -> None:
    assert claim(b"SLURM_JOB_GPUS=0,1\0SLURM_STEP_GPUS=2,3\0SLURM_NODEID=1\0").numbers == (2, 3)
    assert claim(b"SLURM_JOB_GPUS=0,1\0SLURM_NODEID=1\0") == NOTHING


@pytest.mark.parametrize(
    "environ",
    [
        b"",
        b"\0\0",
        b"SLURM_JOB_GPUS",
        b"SLURM_JOB_GPUS\0SLURM_STEP_GPUS\0=\0",
        b"SLURM_JOB_GPUS=\0",
        b"NOTE_SLURM_JOB_GPUS=0,1,2,3\0",
        b"SLURM_JOB_GPUS_OLD=0,1\0",
        b"slurm_job_gpus=0\0",
        b"SLURM_JOB_GPUS=NoDevFiles\0CUDA_VISIBLE_DEVICES=NoDevFiles\0",
        b"SLURM_JOB_GPUS=0,x\0",
        b"SLURM_JOB_GPUS=-1\0",
        b"SLURM_JOB_GPUS=\xff\0",
        b"SLURM_JOB_GPUS=99999999999999999999\0",
        b"CUDA_VISIBLE_DEVICES=0,1\0",  # counts from 0 in each job
        b"SLURM_SHARDS_ON_NODE=0\0",
    ],
)
def test_what_names_no_gpu_claims_nothing(environ: bytes) -> None:
    found = claim(environ)
    assert found.is_empty
    assert (found.numbers, found.names) == ((), ())


def test_ranges_are_numbers_and_cannot_be_endless() -> None:
    assert claim(b"SLURM_JOB_GPUS=0-2,5\0").numbers == (0, 1, 2, 5)
    assert len(claim(b"SLURM_JOB_GPUS=0-999999\0").numbers) == 257


def test_uuids_count_where_slurm_has_no_numbers() -> None:
    cuda = b"CUDA_VISIBLE_DEVICES=MIG-0d6e1d5c-0003,GPU-1\0"
    assert claim(cuda).names == ("MIG-0d6e1d5c-0003", "GPU-1")
    assert claim(cuda + b"SLURM_JOB_GPUS=1\0") == GpuClaim((1,))
    assert job_claim([variables(cuda, VARIABLES)]).names == ("MIG-0d6e1d5c-0003", "GPU-1")


def test_shards_and_the_percentage_of_mps_are_parts() -> None:
    assert claim(b"SLURM_SHARDS_ON_NODE=3\0") == GpuClaim(shards=3)
    mps = b"SLURM_JOB_GPUS=0\0CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=%d\0"
    assert claim(mps % 25) == GpuClaim((0,), portion=0.25)
    assert claim(mps % 1250) == GpuClaim((0,))  # as Slurm 22.05 sets it: no percentage


@given(st.binary(max_size=200))
def test_any_environment_is_read(environ: bytes) -> None:
    for text in (environ, b"SLURM_JOB_GPUS=" + environ, b"CUDA_VISIBLE_DEVICES=" + environ):
        found = variables(text, VARIABLES)
        assert found.keys() <= VARIABLES
        assert all(0 <= number < 10**6 for number in slurm_claim([found]).numbers)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with SlurmCluster("n[1-2]", gpus=4) as cluster:
        yield cluster


def test_variables_of_a_real_job_are_read_on_each_of_its_nodes(cluster: SlurmCluster) -> None:
    """One GPU of the first node is taken, so that the numbers of the job differ between its nodes."""
    environments = cluster.directory / "environments"
    environments.mkdir(mode=0o777)
    show = f"cat /proc/self/environ > {environments}/$SLURMD_NODENAME"
    taken = run(cluster, "sbatch", "--parsable", "-w", "n1", "--gres=gpu:1", "--wrap", "sleep 600")
    script = f"cat /proc/self/environ > {environments}/batch; srun sh -c '{show}'"
    run(cluster, "sbatch", "--wait", "-N2", "--gres=gpu:2", "--wrap", script)
    run(cluster, "scancel", taken.strip())
    batch, first, second = (
        [variables((environments / name).read_bytes(), VARIABLES)] for name in ("batch", "n1", "n2")
    )
    assert slurm_claim(batch).numbers == slurm_claim(first).numbers == (1, 2)
    assert second[0]["SLURM_JOB_GPUS"] == "1,2"  # those of n1, which srun has taken along
    assert slurm_claim(second).numbers == (0, 1)


def run(cluster: SlurmCluster, *words: str) -> str:
    """Run a command of Slurm where jobs may write."""
    done = subprocess.run(
        words,
        env=cluster.environment,
        cwd=cluster.directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
