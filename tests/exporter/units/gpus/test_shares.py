import math
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.gpu import Gpu, GpuInstance, bus_id
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.units.gpus.claims import GpuClaim
from rackwatt_exporter.units.gpus.devices import GpuDevice, devices_of, named
from rackwatt_exporter.units.gpus.gres_conf import gres_conf
from rackwatt_exporter.units.gpus.holdings import capacities, holdings
from rackwatt_exporter.units.gpus.map_files import jobs_by_file
from rackwatt_exporter.units.gpus.order import GpuOrder, order_map
from rackwatt_exporter.units.gpus.shares import GpuShare, Holding, shares
from tests.exporter.units.gpus.nodes import H100, MIG, ONE, TWO

ORDER = GpuOrder.of_map(order_map("0:1,1:0.3,2:0.4,3:0.5,4:0.6"), MIG)
WHOLE = GpuDevice(MIG[1])
ALL = [device for gpu in (*MIG, *H100) for device in devices_of(gpu)]


def held(claim: GpuClaim, text: str = "") -> list[Holding]:
    of_shards = capacities(gres_conf(text, "n1"), ORDER, {}, MIG)
    return holdings(claim, ORDER, of_shards, MIG)


def plain(found: list[GpuShare]) -> list[tuple[str, str, float]]:
    return [(*one.device.key, one.share) for one in found]


def test_a_whole_gpu_is_all_of_its_job_and_an_instance_is_its_multiprocessors() -> None:
    found = shares({"7": held(GpuClaim((0, 1)))})
    assert plain(found["7"]) == [(ONE, "3", 14 / 108), (TWO, "", 1.0)]


def test_jobs_that_share_a_gpu_without_parts_have_equal_ones() -> None:
    found = shares({str(n): held(GpuClaim((0,))) for n in range(4)})
    assert [plain(found[str(n)]) for n in range(4)] == [[(TWO, "", 0.25)]] * 4


def test_shards_are_parts_of_those_that_gres_conf_has() -> None:
    text = "Name=shard Count=8 File=/dev/nvidia0\n"
    found = shares({"7": held(GpuClaim(shards=2), text), "8": held(GpuClaim((0,), shards=4), text)})
    assert plain(found["7"]) == [(TWO, "", 0.25)]
    assert plain(found["8"]) == [(TWO, "", 0.5)]


def test_shards_of_a_node_without_gres_conf_are_weights() -> None:
    found = shares({"7": held(GpuClaim((0,), shards=2)), "8": held(GpuClaim((0,), shards=3))})
    assert plain(found["7"]) == [(TWO, "", 0.4)]
    assert plain(found["8"]) == [(TWO, "", 0.6)]


def test_shards_without_files_are_of_all_gpus_equally() -> None:
    assert capacities(gres_conf("Name=shard Count=20\n", "n1"), ORDER, {}, MIG) == {
        device.key: 4 for device in ORDER.devices.values()
    }


def test_shards_of_one_of_several_gpus_have_a_reason() -> None:
    with pytest.raises(ReadError, match="Slurm does not say of which GPU"):
        held(GpuClaim(shards=2))


def test_a_percentage_of_mps_is_a_part() -> None:
    found = shares(
        {"7": held(GpuClaim((0,), portion=0.25)), "8": held(GpuClaim((0,), portion=0.5))}
    )
    assert plain(found["7"]) == [(TWO, "", 0.25)]
    assert plain(found["8"]) == [(TWO, "", 0.5)]


def test_a_gpu_that_is_not_there_has_a_reason_and_is_never_another() -> None:
    for claim in (GpuClaim((5,)), GpuClaim(names=("GPU-9",)), GpuClaim((0, 9))):
        with pytest.raises(ReadError, match=r"not in this node|none of that number"):
            held(claim)


def test_an_instance_of_a_board_of_unknown_size_has_no_share() -> None:
    part = GpuInstance("3", "MIG-1", 14)
    gpu = Gpu("nvidia", 0, "GPU-1", "0000:21:00.0", mode="mig", instances=(part,))
    assert shares({"7": [Holding(GpuDevice(gpu, part))]}) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (TWO, [(TWO, "")]),
        ("GPU-5c1f0b6e-0002"[:16], []),  # the beginning of both
        ("GPU-7d2b11aa-0005", [("GPU-7d2b11aa-0005", "")]),
        (ONE, [(ONE, "3"), (ONE, "4"), (ONE, "5"), (ONE, "6")]),
        ("MIG-0d6e1d5c-0004", [(ONE, "4")]),
        (f"MIG-{ONE}/5/0", [(ONE, "5")]),
        ("0000:81:00.0", [(TWO, "")]),
        ("00000000:81:00.0", [(TWO, "")]),
        ("81:00.0", [(TWO, "")]),
        ("0000:99:00.0", []),
        ("GPU-", []),
        ("all", []),
        ("", []),
    ],
)
def test_a_device_is_found_by_what_identifies_it(
    name: str, expected: list[tuple[str, str]]
) -> None:
    assert [device.key for device in named(name, [*MIG, *H100])] == expected


@given(st.text(max_size=30))
def test_any_name_is_a_device_or_none(name: str) -> None:
    assert bus_id(name) is None or len(bus_id(name) or "") == 12
    assert all(device in ALL for device in named(name, [*MIG, *H100]))


@given(
    st.dictionaries(
        st.integers(0, 9),
        st.lists(st.builds(Holding, st.sampled_from(ALL), st.floats(1e-6, 1e6)), max_size=6),
        max_size=8,
    )
)
def test_shares_of_a_board_never_exceed_it_and_do_not_depend_on_order(
    holding: dict[int, list[Holding]],
) -> None:
    found = shares(holding)
    boards: dict[str, list[float]] = defaultdict(list)
    for one in (one for each in found.values() for one in each):
        assert one.share > 0
        boards[one.device.gpu.uuid].append(one.share)
    assert all(math.fsum(each) <= 1 + 1e-9 for each in boards.values())
    backwards = shares({unit: holding[unit][::-1] for unit in reversed(holding)})
    assert {unit: dict(each) for unit, each in backwards.items()} == {
        unit: {one.device: pytest.approx(one.share) for one in each} for unit, each in found.items()
    }


def test_files_of_a_prolog_name_the_jobs_of_each_gpu(tmp_path: Path) -> None:
    for name, text in {
        "0": b"1009248\n",
        "1": b"1009248 1009250\n1009250",
        "2": b"",
        "3": b"\xff\xfe",
        "x": b"7",
        "12345": b"7",
        "4": b"garbage here",
        "5": b"9" * 5000,
    }.items():
        (tmp_path / name).write_bytes(text)
    (tmp_path / "6").mkdir()
    (tmp_path / "7").symlink_to("/nonexistent")
    assert jobs_by_file(tmp_path) == {"1009248": (0, 1), "1009250": (1,)}
    with pytest.raises(OSError, match="No such file"):
        jobs_by_file(tmp_path / "none")
