"""GPUs of NVIDIA over the ABI of NVML: a stand-in for its library is compiled, and fed from a file."""

import math
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from rackwatt_crds.node.nvidia import Nvidia
from rackwatt_exporter.collectors import gpus
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.nvidia.child import NvmlChild
from rackwatt_exporter.collectors.nvidia.collector import NvidiaCollector, result
from rackwatt_exporter.collectors.nvidia.report import Failure, NvmlDevice, Report, decoded
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.reading import DomainPower, EnergyCounter, ReadError, Reason
from tests.nvml import A100, library, show

ONE, TWO = "GPU-5c1f0b6e-0001", "GPU-5c1f0b6e-0002"


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "gpus"
    show(file, A100)
    monkeypatch.setenv("FAKE_NVML", str(file))
    return file


@pytest.fixture
async def collector(nvml: Path, file: Path, tmp_path: Path) -> AsyncIterator[NvidiaCollector]:
    made = NvidiaCollector(HostPaths("n1"), Nvidia(library=str(nvml)), Secrets(tmp_path))
    yield made
    await made.close()


def samples(read: CollectorResult, family: MetricFamily) -> dict[tuple[str, ...], float]:
    return {one.labels: one.value for one in read.samples if one.family is family}


async def failure(collector: NvidiaCollector) -> ReadError:
    with pytest.raises(ReadError) as raised:
        await collector.read()
    return raised.value


async def test_a_board_has_its_energy_once_whatever_instances_it_has(
    collector: NvidiaCollector,
) -> None:
    read = await collector.read()
    assert read.energies == (
        EnergyCounter("gpu", ONE, 184467440.0, math.inf, True, 4000.0),
        EnergyCounter("gpu", TWO, 98765432.1, math.inf, True, 4000.0),
    )
    assert read.powers == ()
    assert read.error is None


async def test_a_gpu_is_described_by_what_identifies_it(collector: NvidiaCollector) -> None:
    read = await collector.read()
    model, driver = "NVIDIA A100-PCIE-40GB", "535.129.03"
    assert samples(read, gpus.INFO) == {
        ("0", ONE, "0000:21:00.0", model, "1", driver, "mig"): 1,
        ("1", TWO, "0000:81:00.0", model, "0", driver, "none"): 1,
    }
    assert samples(read, gpus.MEMORY) == {("0", ONE): 40960 * 2**20, ("1", TWO): 40960 * 2**20}
    assert samples(read, gpus.MEMORY_USED) == {("0", ONE): 524288000, ("1", TWO): 2**31}
    assert samples(read, gpus.TEMPERATURE) == {("0", ONE): 41, ("1", TWO): 63}
    assert samples(read, gpus.UTILIZATION) == {("1", TWO): 0.87}  # NVML has none under MIG
    assert samples(read, gpus.POWER_LIMIT) == {("0", ONE): 250.0, ("1", TWO): 250.0}
    assert samples(read, gpus.CLOCK)["1", TWO, "sm"] == 1_305_000_000
    lowered = {labels[2] for labels, value in samples(read, gpus.THROTTLED).items() if value}
    assert lowered == {"power_cap", "software_thermal"}
    assert [gpu.compute_units for gpu in read.gpus] == [108, 108]


async def test_instances_of_mig_have_shares_and_leave_a_rest(collector: NvidiaCollector) -> None:
    read = await collector.read()
    shares = samples(read, gpus.INSTANCE_COMPUTE)
    assert shares == {("0", ONE, name): 14 / 108 for name in "3456"}
    assert samples(read, gpus.INSTANCE_INFO)["0", ONE, "4", "MIG-0d6e1d5c-0004"] == 1
    assert samples(read, gpus.INSTANCE_MEMORY)["0", ONE, "6"] == 9856 * 2**20


async def test_a_change_of_mig_is_seen_at_the_next_reading(
    collector: NvidiaCollector, file: Path
) -> None:
    assert len((await collector.read()).gpus[0].instances) == 4
    show(file, A100.replace("mig 0 4 0 MIG-0d6e1d5c-0004 14 9856\n", ""))
    assert [one.name for one in (await collector.read()).gpus[0].instances] == ["3", "5", "6"]
    show(file, A100.replace(" mig\n", " full\n"))
    whole = (await collector.read()).gpus[0]
    assert (whole.mode, whole.instances, whole.is_whole) == ("none", (), True)


async def test_compute_instances_of_one_gpu_instance_have_names_of_their_own(
    collector: NvidiaCollector, file: Path
) -> None:
    show(file, A100 + "mig 0 3 1 MIG-0d6e1d5c-0007 14 9856\n")
    names = [one.name for one in (await collector.read()).gpus[0].instances]
    assert names == ["3/0", "3/1", "4", "5", "6"]


async def test_a_gpu_without_a_counter_has_its_power_and_one_without_either_a_reason(
    collector: NvidiaCollector, file: Path
) -> None:
    show(file, A100.replace("34870 98765432100", "34870 -"))
    read = await collector.read()
    assert read.powers == (DomainPower("gpu", TWO, 34.87),)
    assert [one.zone for one in read.energies] == [ONE]
    assert read.error is None
    show(file, A100.replace("34870 98765432100", "- -"))
    read = await collector.read()
    assert read.error is not None
    assert read.error.reason is Reason.NO_POWER_SENSOR


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (4, Reason.PERMISSION_DENIED),
        (15, Reason.MEMBER_MISSING),
        (16, Reason.SENSOR_UNREADABLE),
        (17, Reason.PERMISSION_DENIED),
        (999, Reason.SENSOR_UNREADABLE),
        (77, Reason.SENSOR_UNREADABLE),  # none that we know
    ],
)
async def test_an_error_of_nvml_has_a_reason_and_leaves_the_other_values(
    code: int, reason: Reason, collector: NvidiaCollector, file: Path
) -> None:
    show(file, f"{A100}fail nvmlDeviceGetTotalEnergyConsumption {code}\n")
    read = await collector.read()
    assert read.error is not None
    assert read.error.reason is reason
    assert "nvmlDeviceGetTotalEnergyConsumption" in str(read.error)
    assert samples(read, gpus.TEMPERATURE) == {("0", ONE): 41, ("1", TWO): 63}


@pytest.mark.parametrize(
    ("code", "reason"),
    [(9, Reason.ABSENT), (18, Reason.SENSOR_UNREADABLE), (999, Reason.SENSOR_UNREADABLE)],
)
async def test_a_driver_that_was_replaced_is_read_again_once_it_works(
    code: int, reason: Reason, collector: NvidiaCollector, file: Path
) -> None:
    show(file, f"{A100}fail nvmlInit_v2 {code}\n")
    error = await failure(collector)
    assert error.reason is reason
    assert error.remedy
    show(file, A100)
    assert len((await collector.read()).energies) == 2


async def test_a_library_that_lacks_a_function_costs_its_value_alone(
    collector: NvidiaCollector, file: Path
) -> None:
    missing = ("nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetMigMode")
    show(file, A100 + "".join(f"fail {name} 13\n" for name in missing))
    read = await collector.read()
    assert (read.error, samples(read, gpus.THROTTLED)) == (None, {})
    assert [gpu.mode for gpu in read.gpus] == ["none", "none"]
    assert len(read.energies) == 2


async def test_no_library_is_a_reason_with_a_remedy(tmp_path: Path) -> None:
    nowhere = Nvidia(library=str(tmp_path / "libnvidia-ml.so.1"))
    made = NvidiaCollector(HostPaths("n1"), nowhere, Secrets(tmp_path))
    error = await failure(made)
    assert error.reason is Reason.ABSENT
    assert "spec.node.nvidia.library" in str(error.remedy)
    await made.close()


async def test_a_node_whose_driver_has_no_gpu_is_not_a_node_of_0_w(
    collector: NvidiaCollector, file: Path
) -> None:
    show(file, "driver 535.129.03\n")
    assert (await failure(collector)).reason is Reason.ABSENT


def test_a_gpu_that_is_lost_leaves_the_others_and_one_listed_twice_counts_once() -> None:
    device = NvmlDevice(1, TWO, "00000000:81:00.0", millijoules=5000)
    report = Report("535", (device, device), (Failure("nvmlDeviceGetHandleByIndex_v2", 15, 0),))
    read = result(report)
    assert [one.zone for one in read.energies] == [TWO]
    assert read.error is not None
    assert str(read.error) == "GPU 0: nvmlDeviceGetHandleByIndex_v2: NVML_ERROR_GPU_IS_LOST"
    with pytest.raises(ReadError, match="GPU_IS_LOST"):
        result(Report("535", (), report.lost))


def test_a_report_that_is_none_is_a_reason() -> None:
    for line in (b"", b"{", b'{"gpus": [{"index": "0"}]}', b"\xff\n"):
        with pytest.raises(ReadError) as raised:
            decoded(line)
        assert raised.value.reason is Reason.BAD_REPLY


async def test_a_call_that_hangs_is_killed_and_never_piles_up(nvml: Path, file: Path) -> None:
    show(file, f"{A100}hang nvmlDeviceGetTotalEnergyConsumption 600000\n")
    child = NvmlChild(str(nvml), answer_s=0.05, hung_after_s=0.2)
    seen = set()
    for _ in range(100):
        with pytest.raises(ReadError) as raised:
            await child.report()
        assert raised.value.reason in (Reason.TIMEOUT, Reason.COMMAND_FAILED)
        seen |= set(children())
        assert len(children()) <= 1
        if raised.value.reason is Reason.COMMAND_FAILED:  # killed, and reaped
            break
    else:
        pytest.fail("it was not killed")
    assert len(seen) == 1
    show(file, A100)
    slow = NvmlChild(str(nvml))
    assert len(decoded(await slow.report()).gpus) == 2
    await slow.close()
    await child.close()
    assert children() == []


async def test_a_slow_first_answer_arrives_at_a_later_reading(nvml: Path, file: Path) -> None:
    show(file, f"{A100}hang nvmlInit_v2 300\n")
    child = NvmlChild(str(nvml), answer_s=0.02, hung_after_s=60.0)
    for _ in range(1000):
        try:
            line = await child.report()
        except ReadError as error:
            assert error.reason is Reason.TIMEOUT
        else:
            break
    assert len(decoded(line).gpus) == 2
    assert len(children()) == 1
    await child.close()


async def test_a_process_that_dies_is_started_again(collector: NvidiaCollector) -> None:
    await collector.read()
    (pid,) = children()
    os.kill(pid, 11)
    error = await failure(collector)
    assert error.reason is Reason.COMMAND_FAILED
    assert "-11" in str(error)
    assert len((await collector.read()).gpus) == 2


def children() -> list[int]:
    """Return the processes of the worker that are children of ours and not zombies."""
    commands: dict[int, bytes] = {}
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # it was reaped meanwhile
            commands[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [pid for pid, command in commands.items() if b"collectors.nvidia.worker" in command]
