"""GPUs of jobs of a real Slurm: its variables in real processes, in real control groups."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.units.gpus.book import GpuBook
from rackwatt_exporter.units.model import UnitsResult
from rackwatt_exporter.units.registry import unit_source
from rackwatt_exporter.units.source import UnitSource
from tests.eventually import PATIENCE_S
from tests.exporter.units.gpus.nodes import H100
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_contained import CAN_RUN, WHY_NOT, contained_slurm

NODE = f"gpus{os.getpid()}"  # control groups are the machine's: other tests have theirs

pytestmark = pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with contained_slurm(NODE, gpus=4) as cluster:
        yield cluster


@pytest.fixture
async def units(cluster: SlurmCluster) -> AsyncIterator[UnitSource]:
    settings = SlurmUnits(gres_conf=str(cluster.directory / "gres.conf"))
    config = UnitsConfig("slurm", "nodes", settings)
    source = unit_source(config, HostPaths(NODE), GpuBook(lambda: H100))
    yield source
    await source.close()


def minors(result: UnitsResult) -> dict[str, list[int]]:
    """Return the numbers of the device files of each job's GPUs; others' jobs name their node."""
    by_uuid = {gpu.uuid: gpu.minor for gpu in H100 if gpu.minor is not None}
    own = [one for one in result.units if "/" not in one.key.unit]
    return {one.key.unit: sorted(by_uuid[gpu.uuid] for gpu in one.gpus) for one in own}


async def until(of: UnitSource, has: Callable[[UnitsResult], bool]) -> UnitsResult:
    async with asyncio.timeout(PATIENCE_S):
        while not has(result := await of.read()):
            await asyncio.sleep(0.05)
    return result


async def test_each_job_holds_the_devices_that_slurm_gave_it(
    cluster: SlurmCluster, units: UnitSource
) -> None:
    one = cluster.submit("--mem=100M", "--gres=gpu:1")
    await until(units, lambda result: minors(result) == {one: [0]})
    two = cluster.submit("--mem=100M", "--gres=gpu:2", command="srun --overlap sleep 100000")
    none = cluster.submit("--mem=100M")
    everything = {one: [0], two: [1, 2], none: []}
    result = await until(units, lambda result: minors(result) == everything)
    assert result.error is None
    assert all(gpu.share == 1.0 for unit in result.units for gpu in unit.gpus)
    cluster.cancel(one, two, none)
    ended = await until(units, lambda result: any("/" not in one.key.unit for one in result.ended))
    first = next(one for one in ended.ended if "/" not in one.key.unit)
    assert first.gpus or first.key.unit == none
