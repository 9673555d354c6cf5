import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.units.gpus.devices import GpuDevice
from rackwatt_exporter.units.gpus.gres_conf import GresConf, SharedGres, gres_conf
from rackwatt_exporter.units.gpus.order import GpuOrder, mig_files, order_map
from tests.exporter.units.gpus.nodes import H100, MIG, MINORS, ONE, TWO

DOCUMENTED = "0:1,1:0.3,2:0.4,3:0.5,4:0.6"


def keys(order: GpuOrder) -> dict[int, tuple[str, str]]:
    return {number: device.key for number, device in order.devices.items()}


def test_the_map_of_the_document_names_gpus_and_instances() -> None:
    order = GpuOrder.of_map(order_map(DOCUMENTED), MIG)
    assert keys(order) == {0: (TWO, ""), 1: (ONE, "3"), 2: (ONE, "4"), 3: (ONE, "5"), 4: (ONE, "6")}
    assert order.problem is None


def test_a_map_with_what_is_not_there_gives_the_rest_and_a_reason() -> None:
    order = GpuOrder.of_map(order_map("0:1,1:0.9,2:0,3:7"), MIG)
    assert keys(order) == {0: (TWO, "")}  # GPU 0 is partitioned: as a whole no job has it
    assert order.problem is not None
    assert str(order.problem).endswith("numbers 1, 2, 3")


@pytest.mark.parametrize(
    "text", ["", "0", "0:", "0:1,", "0:1,0:2", "a:b", "0:1.x", "-1:0", "0:1.2.3"]
)
def test_a_map_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"as `0:1`|twice"):
        order_map(text)


def test_gres_conf_orders_devices_by_its_lines() -> None:
    conf = gres_conf(
        "# GPUs\nNodeName=n[1-2] Name=gpu Type=h100 File=/dev/nvidia3 Cores=0-3\n"
        "NodeName=n1,n9 name=GPU \\\n file=/dev/nvidia[0-1]\n"
        "NodeName=n3 Name=gpu File=/dev/nvidia7\nName=shard Count=16\nName=nic File=/dev/nic0\n",
        "n1",
    )
    files = (("/dev/nvidia3",), ("/dev/nvidia0",), ("/dev/nvidia1",))
    assert conf == GresConf(files, (SharedGres((), 16),), False)
    order = GpuOrder.of_gres(conf, {}, H100)
    assert [device.gpu.minor for device in order.devices.values()] == [3, 0, 1]
    assert [device.gpu.index for device in order.devices.values()] == [7, 4, 5]


def test_instances_are_found_by_their_files_and_the_minor_of_their_gpu() -> None:
    text = (
        "Name=gpu Type=a100 File=/dev/nvidia0\n"
        "Name=gpu Type=1g MultipleFiles=/dev/nvidia1,/dev/nvidia-caps/nvidia-cap[165,166]\n"
        "Name=gpu Type=1g File=/dev/nvidia-caps/nvidia-cap184\n"
        "Name=gpu Type=1g File=/dev/nvidia-caps/nvidia-cap999\n"
    )
    order = GpuOrder.of_gres(gres_conf(text, "n1"), mig_files(MINORS), MIG)
    assert keys(order) == {0: (TWO, ""), 1: (ONE, "3"), 2: (ONE, "5")}
    assert order.problem is not None
    assert "gres.conf" in str(order.problem)


def test_autodetect_sorts_whole_gpus_as_pci_does() -> None:
    conf = gres_conf("AutoDetect=nvml\nName=gpu Type=h100\n", "n1")
    assert conf.is_detected
    assert not gres_conf("AutoDetect=nvml\nNodeName=n1 AutoDetect=off\n", "n1").is_detected
    assert keys(GpuOrder.detected(H100)) == {n: (H100[n].uuid, "") for n in range(8)}


def test_an_order_that_nothing_says_is_no_guess() -> None:
    vague = [replace(H100[0], mode="")]  # the driver does not say whether it is in MIG mode
    orders = (
        GpuOrder.detected(MIG),
        GpuOrder.detected(vague),
        GpuOrder.unknown(MIG),
        GpuOrder.unknown(H100),
    )
    for order in orders:
        assert order.devices == {}
        assert order.problem is not None
        assert order.problem.reason is Reason.ABSENT
        assert "gpuOrderMap" in str(order.problem.remedy)
    same = [Gpu("nvidia", n, f"GPU-{n}", f"0000:0{n}:00.0", n, mode="none") for n in range(4)]
    assert keys(GpuOrder.unknown(same)) == {n: (f"GPU-{n}", "") for n in range(4)}


def test_cards_of_amd_are_found_by_their_render_nodes() -> None:
    amd = [Gpu("amd", n, f"0x{n}", f"0000:0{n}:00.0", 128 + n, mode="none") for n in range(2)]
    conf = gres_conf("Name=gpu File=/dev/dri/renderD129\nName=gpu File=/dev/dri/renderD128\n", "n")
    assert list(GpuOrder.of_gres(conf, {}, amd).devices.values()) == [
        GpuDevice(amd[1]),
        GpuDevice(amd[0]),
    ]


@given(st.text('NameFile=gpu/dvi[]-,019# \n\\"shardCount', max_size=120))
def test_any_gres_conf_is_read_or_refused(text: str) -> None:
    try:
        conf = gres_conf(text, "n1")
    except ValueError:
        return
    assert all(files for files in conf.devices)
