from pathlib import Path

import pytest

from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.registry import DriverRegistry


async def test_every_source_of_the_registry_is_validated_by_its_targets_max_watts(
    tmp_path: Path,
) -> None:
    drivers = DriverRegistry(Secrets(tmp_path))
    options = FakeOptions(min=400, max=500)
    low = drivers.source(Target("a", "a", "fake", options, "lab", max_watts=300))
    high = drivers.source(Target("a", "a", "fake", options, "lab", max_watts=500))
    with pytest.raises(ReadError) as error:
        await low.read()
    assert error.value.reason is Reason.IMPLAUSIBLE
    assert 400 <= (await high.read()).watts <= 500
    await drivers.close()
