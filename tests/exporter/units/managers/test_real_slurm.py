"""Jobs of a real Slurm in real control groups of version 1, read while they run and as they end.

The oracle is the kernel: what the files of a job say before and after a reading.
"""

import asyncio
import getpass
import os
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.units.gpus.book import GpuBook
from rackwatt_exporter.units.model import UnitsResult
from rackwatt_exporter.units.registry import unit_source
from rackwatt_exporter.units.source import UnitSource
from tests.eventually import PATIENCE_S
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_contained import CAN_RUN, WHY_NOT, contained_slurm, used_ns

NODE = f"units{os.getpid()}"  # control groups are the machine's: other tests have theirs
BURN = "sh -c 'while :; do :; done'"
MEBIBYTES = 300

pytestmark = pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with contained_slurm(NODE) as cluster:
        yield cluster


def source() -> UnitSource:
    config = UnitsConfig("slurm", "nodes", SlurmUnits(steps=True))
    return unit_source(config, HostPaths(NODE), GpuBook())


async def read(of: UnitSource) -> UnitsResult:
    """Read the jobs of this node; those of others, which other tests run, name theirs."""
    result = await of.read()
    units, ended = (
        tuple(one for one in some if "/" not in one.key.unit)
        for some in (result.units, result.ended)
    )
    return replace(result, units=units, ended=ended)


async def until(of: UnitSource, has: Callable[[UnitsResult], bool]) -> UnitsResult:
    async with asyncio.timeout(PATIENCE_S):
        while not has(result := await read(of)):
            await asyncio.sleep(0.05)
    return result


async def test_a_job_that_runs_has_the_numbers_that_the_kernel_has(cluster: SlurmCluster) -> None:
    job = cluster.submit(f"--mem={MEBIBYTES}M", command=BURN)
    units = source()
    try:
        await until(units, lambda result: any(one.cpu_ns for one in result.units))
        before = used_ns(NODE, job)
        (unit,) = (await read(units)).units
        after = used_ns(NODE, job)
        assert unit.key == ("slurm", job)
        assert unit.cpu_ns is not None
        assert before <= unit.cpu_ns <= after
        assert unit.memory_limit_bytes == MEBIBYTES << 20
        assert unit.memory_bytes
        assert "batch" in [one.step for one in unit.steps]
        cluster.cancel(job)
        result = await until(units, lambda result: bool(result.ended))
        (ended,) = result.ended
        assert (ended.key, ended.has_ended) == (unit.key, True)
        assert ended.cpu_ns is not None
        assert ended.cpu_ns >= unit.cpu_ns
        assert result.units == ()
    finally:
        await units.close()


async def test_a_job_that_comes_and_goes_between_two_polls_is_returned_once(
    cluster: SlurmCluster,
) -> None:
    units = source()
    try:
        await until(units, lambda result: not result.units)
        job = cluster.submit("--mem=100M", command="timeout 1.5 " + BURN)
        await asyncio.to_thread(
            cluster.wait, lambda: not cluster.run("squeue", "-h", "-j", job), "the job ends"
        )
        result = await read(units)
        (ended,) = result.ended
        assert (ended.key.unit, result.units) == (job, ())
        assert ended.cpu_ns
        assert ended.cpu_ns > 0
        assert (await read(units)).ended == ()
    finally:
        await units.close()


async def test_a_job_that_runs_has_the_user_and_the_name_that_slurm_gave_it(
    cluster: SlurmCluster,
) -> None:
    job = cluster.submit("--mem=100M", "--job-name=train", command=BURN)
    units = source()
    try:
        result = await until(units, lambda result: any(one.info.user for one in result.units))
        (unit,) = result.units
        assert (unit.key.unit, unit.info.name, unit.nodelist) == (job, "train", NODE)
        assert unit.info.user == getpass.getuser()
        assert result.unknown == ""
    finally:
        cluster.cancel(job)
        await until(units, lambda result: not result.units)
        await units.close()
