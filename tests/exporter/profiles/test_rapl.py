import pytest

from rackwatt_exporter.profiles.rapl import index


@pytest.mark.parametrize(
    ("zone", "number"),
    [
        ("package-0", "0"),
        ("package-11/dram", "11"),
        ("package-0-die-1", "0-die-1"),
        ("package-0-die-1/dram", "0-die-1"),
        ("package-1@intel-rapl:3", "1"),
        ("psys", "0"),
    ],
)
def test_the_index_of_a_zone_is_that_of_its_package(zone: str, number: str) -> None:
    assert index(zone) == number
