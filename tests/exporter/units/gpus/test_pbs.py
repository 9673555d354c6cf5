"""GPUs of jobs of Torque: the file that a job names, or may only pretend to."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import Reason
from rackwatt_exporter.units.gpus.pbs import gpus_of, pbs_claim
from rackwatt_exporter.units.model import UnitsResult
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open
from tests.exporter.units.gpus.nodes import H100, ONE

AUX = "var/spool/torque/aux"
FILE = f"/{AUX}/12.servergpu"


def job(root: Path, environ: bytes) -> CgroupTree:
    tree = CgroupTree(root)
    tree.group("torque/12.server", Use(), pid=12)
    (tree.procfs / "12").mkdir()
    (tree.procfs / "12/environ").write_bytes(environ)
    (root / AUX).mkdir(parents=True)
    return tree


def held(result: UnitsResult) -> list[tuple[str, float]]:
    (unit,) = result.units
    return [(gpu.uuid, gpu.share) for gpu in unit.gpus]


async def test_a_job_of_torque_holds_the_gpus_of_this_node_in_its_file(
    tmp_path: Path, units_of: Open
) -> None:
    tree = job(tmp_path, f"PBS_GPUFILE={FILE}\0".encode())
    (tmp_path / AUX / "12.servergpu").write_text("n1-gpu1\nn2-gpu0\nn1-gpu3\n")
    result = await units_of(tree, "pbs", None, lambda: H100).read()
    assert held(result) == [(H100[1].uuid, 1.0), (H100[3].uuid, 1.0)]
    assert (result.error, result.knows_gpus) == (None, True)


async def test_uuids_of_the_hook_of_pbs_count_before_a_file(tmp_path: Path, units_of: Open) -> None:
    uuid = H100[2].uuid
    tree = job(tmp_path, f"CUDA_VISIBLE_DEVICES={uuid}\0PBS_GPUFILE={FILE}\0".encode())
    assert held(await units_of(tree, "pbs", None, lambda: H100).read()) == [(uuid, 1.0)]


async def test_a_file_that_cannot_be_read_is_a_reason_and_no_gpu(
    tmp_path: Path, units_of: Open
) -> None:
    tree = job(tmp_path, f"PBS_GPUFILE={FILE}\0".encode())
    result = await units_of(tree, "pbs", None, lambda: H100).read()
    assert (held(result), result.knows_gpus) == ([], False)
    assert result.error is not None
    assert result.error.reason is Reason.ABSENT
    assert FILE in str(result.error)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has files of root, and gives some away")
def test_only_a_plain_file_of_root_is_opened(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("n1-gpu0\n")
    os.chown(tmp_path / "mine", 1000, 1000)
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for ever
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name in ("mine", "pipe", "device", "folder"):
        claim = pbs_claim([{"PBS_GPUFILE": f"/{name}"}], "n1", tmp_path)
        assert "not a plain file of root" in claim.unread
        assert not claim.numbers


@pytest.mark.parametrize(
    ("text", "node", "numbers"),
    [
        ("n1-gpu0\nn1-gpu1\n", "n1", (0, 1)),
        ("n1.example.org-gpu2\n", "n1", (2,)),
        ("n1-gpu2\n", "n1.example.org", (2,)),
        ("n10-gpu0\nn1-gpu\nn1-gpux\n-gpu1\n", "n1", ()),
        ("rack-gpu7-gpu3\n", "rack-gpu7", (3,)),
    ],
)
def test_lines_of_this_node_alone_are_its_gpus(
    text: str, node: str, numbers: tuple[int, ...]
) -> None:
    assert gpus_of(text, node) == numbers


@given(st.text(), st.text(min_size=1))
def test_any_text_has_numbers_or_none(text: str, node: str) -> None:
    assert all(0 <= number < 10_000 for number in gpus_of(text, node))


def test_a_job_without_such_variables_claims_nothing(tmp_path: Path) -> None:
    assert pbs_claim([{}, {"PBS_GPUFILE": " "}], "n1", tmp_path).is_empty
    assert pbs_claim([{"CUDA_VISIBLE_DEVICES": ONE}], "n1", tmp_path).names == (ONE,)
