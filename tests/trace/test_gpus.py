"""GPUs as NVML reports them. No GPU is here: a stand-in for the library is built of fake_nvml.c."""

import subprocess
import sys
from pathlib import Path

import pytest

GPU = "gpu {index} GPU-{index} 00000000:1B:00.0 {index} H100 132 81559 90440 {millijoules} full\n"
SCRIPT = """
import sys
from rackwatt_trace.gpus import Gpus
gpus = Gpus()
for line in sys.stdin:
    print(gpus.read(frozenset(map(int, line.split()))), flush=True)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the stand-in, and return its folder."""
    folder = tmp_path_factory.mktemp("nvml")
    source = Path(__file__).parents[1] / "data/nvml/fake_nvml.c"
    command = ("gcc", "-O1", "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", source)
    subprocess.run(command, check=True)
    return folder


class Node:
    """A node whose GPUs and their processes are those of a file."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.show()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(file)},
        )  # fmt: skip

    def show(
        self, *processes: str, millijoules: tuple[int, int] = (1000, 1000), more: str = ""
    ) -> None:
        """Write the file: two GPUs with these energies, and processes as `GPU PID BYTES`."""
        gpus = (GPU.format(index=n, millijoules=mj) for n, mj in enumerate(millijoules))
        rows = (f"proc {process} - -\n" for process in processes)
        new = self._file.with_suffix(".new")
        new.write_text("".join([*gpus, *rows, more]))
        new.rename(self._file)

    def read(self, *pids: int) -> object:
        """Return what processes use of the GPUs."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(" ".join(map(str, pids)) + "\n")
        self._process.stdin.flush()
        return eval(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def node(library: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    node = Node(library, tmp_path / "gpus")
    yield node
    node.close()


def test_a_process_has_the_memory_of_all_of_its_gpus(node: Node) -> None:
    node.show("0 50 1000", "1 50 2000", "1 51 4000", "1 99 8000")
    assert node.read(50, 51, 52) == {"gpus": 2, "gpu_mem": 7000, "gpu_joules": None}
    assert node.read(52) == {"gpus": 0, "gpu_mem": 0, "gpu_joules": None}


def test_the_energy_of_a_gpu_counts_while_the_processes_have_it_alone(node: Node) -> None:
    node.show("0 50 1000")
    assert node.read(50) == {"gpus": 1, "gpu_mem": 1000, "gpu_joules": None}
    node.show("0 50 1000", millijoules=(4000, 9000))
    assert node.read(50) == {"gpus": 1, "gpu_mem": 1000, "gpu_joules": 3.0}
    node.show("0 50 1000", "0 99 1000", millijoules=(6000, 9000))
    assert node.read(50) == {"gpus": 1, "gpu_mem": 1000, "gpu_joules": 3.0}
    node.show("0 50 1000", millijoules=(7000, 9000))
    assert node.read(50) == {"gpus": 1, "gpu_mem": 1000, "gpu_joules": 3.0}
    node.show("0 50 1000", millijoules=(7500, 9000))
    assert node.read(50) == {"gpus": 1, "gpu_mem": 1000, "gpu_joules": 3.5}


def test_a_gpu_that_does_not_answer_leaves_what_is_used_unknown(node: Node) -> None:
    assert node.read(50) == {"gpus": 0, "gpu_mem": 0, "gpu_joules": None}
    node.show("0 50 1000", more="fail nvmlDeviceGetComputeRunningProcesses_v3 15\n")
    assert node.read(50) == {"gpus": None, "gpu_mem": None, "gpu_joules": None}


def test_a_gpu_without_an_energy_counter_has_no_joules(node: Node) -> None:
    for _ in range(2):
        node.show("0 50 1000", more="fail nvmlDeviceGetTotalEnergyConsumption 3\n")
        assert node.read(50) == {"gpus": 1, "gpu_mem": 1000, "gpu_joules": None}


def test_a_node_without_nvml_or_its_driver_has_no_gpus(library: Path, tmp_path: Path) -> None:
    for environment in ({}, {"LD_LIBRARY_PATH": str(library)}):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input="1\n", env=environment, text=True, capture_output=True, check=True,
        )  # fmt: skip
        assert done.stdout == "{}\n"
