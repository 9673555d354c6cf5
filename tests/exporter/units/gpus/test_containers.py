from pathlib import Path

import pytest

from rackwatt_exporter.gpu import Gpu, GpuInstance
from rackwatt_exporter.units.gpus.claims import NOTHING, GpuClaim
from rackwatt_exporter.units.gpus.containers import device_files, pod_claim
from rackwatt_exporter.units.gpus.order import seen

VISIBLE = "NVIDIA_VISIBLE_DEVICES"


def touch(process: Path, *files: str) -> Path:
    for file in files:
        path = process / "root/dev" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return process


def test_the_files_of_gpus_are_listed_and_no_others(tmp_path: Path) -> None:
    files = (
        "null",
        "nvidia0",
        "nvidiactl",
        "nvidia-uvm",
        "nvidia-caps/nvidia-cap21",
        "dri/card1",
        "dri/renderD129",
    )
    assert device_files(touch(tmp_path, *files)) == {"nvidia0", "nvidia-cap21", "renderD129"}
    assert device_files(tmp_path / "none") == set()


@pytest.mark.parametrize("file", ["mem", "kmsg", "port"])
def test_a_privileged_container_sees_all_devices_and_holds_none(tmp_path: Path, file: str) -> None:
    assert device_files(touch(tmp_path, "nvidia0", "nvidia1", file)) == set()


def test_variables_of_the_plugin_count_before_files_and_all_is_none() -> None:
    files = ("nvidia0", "nvidia1")
    assert pod_claim([{VISIBLE: "GPU-1,GPU-2"}, {}], files) == GpuClaim(names=("GPU-1", "GPU-2"))
    assert pod_claim([{VISIBLE: "all"}], files) == NOTHING
    assert pod_claim([{VISIBLE: "void"}], files) == GpuClaim(files=files)
    assert pod_claim([], files) == GpuClaim(files=files)
    assert pod_claim([], ()).is_empty


def test_a_partition_of_amd_is_found_by_its_render_node() -> None:
    parts = tuple(
        GpuInstance(str(n), f"amdgpu_xcp_{n}", 38, None, f"0000:26:00.{n}", 128 + n)
        for n in range(8)
    )
    gpu = Gpu(
        "amd", 0, "GPU-2", "0000:26:00.0", 128, mode="CPX", compute_units=304, instances=parts
    )
    assert [one.key for one in seen(["renderD130", "renderD999"], {}, [gpu])] == [("GPU-2", "2")]
