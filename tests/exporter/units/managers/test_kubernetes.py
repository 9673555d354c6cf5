"""Pods by the control groups of a kubelet, in the layouts of both of its drivers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.units.managers.kubernetes import shares_of
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open

UID = "0b6ab9d5-5d0c-4b1e-9d5c-1b5ad5a1a1c4"
MANGLED = UID.replace("-", "_")
STATIC = "5d8a6e2f3c1b4a7d9e0f1a2b3c4d5e6f"  # of a static pod: a hash without dashes
CONTAINERS = (
    "cri-containerd-{0}.scope",
    "crio-{0}.scope",
    "docker-{0}.scope",
    "{0}",
)
SYSTEMD = {
    f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{MANGLED}.slice": UID,
    f"kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{STATIC}.slice": STATIC,
    "kubepods.slice/kubepods-podaaaa_1.slice": "aaaa-1",
}
CGROUPFS = {
    f"kubepods/burstable/pod{UID}": UID,
    f"kubepods/besteffort/pod{STATIC}": STATIC,
    "kubepods/podaaaa-1": "aaaa-1",
}
NESTED = {
    f"kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{MANGLED}.slice": UID,
    f"kubelet/kubepods/besteffort/pod{STATIC}": STATIC,
}
ROOTED = {
    f"site.slice/site-kubepods.slice/site-kubepods-pod{MANGLED}.slice": UID,
    f"site-7/kubepods/besteffort/pod{STATIC}": STATIC,
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("layout", [SYSTEMD, CGROUPFS, NESTED, ROOTED])
async def test_pods_are_units_and_neither_classes_of_qos_nor_containers_are(
    tmp_path: Path, units_of: Open, layout: dict[str, str], container: str, version: int
) -> None:
    tree = CgroupTree(tmp_path, version)
    for path in {parent for one in layout for parent in (str(Path(one).parent),)}:
        tree.group(path, Use(user_us=90_000_000))
    for path in layout:
        tree.group(path, Use(user_us=30_000_000), container.format("f" * 64))
        tree.group(f"{path}/{container.format('f' * 64)}", Use(user_us=30_000_000))
    result = await units_of(tree, "kubernetes").read()
    assert sorted(unit.key.unit for unit in result.units) == sorted(layout.values())
    assert {unit.user_s for unit in result.units} == {30.0}
    assert {unit.info.uuid for unit in result.units} == set(layout.values())


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("shares", "cpus"), [(2, 0.0), (102, 0.1), (512, 0.5), (1024, 1.0), (4096, 4.0)]
)
async def test_a_pod_holds_the_cpus_that_it_requests(
    tmp_path: Path, units_of: Open, version: int, shares: int, cpus: float
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group("kubepods.slice/kubepods-podaaaa.slice", Use(shares=shares))
    (unit,) = (await units_of(tree, "kubernetes").read()).units
    assert unit.cpus == pytest.approx(cpus, abs=0.001 if version == 1 else 0.027)


@given(st.integers(2, 262144))
def test_a_weight_is_turned_back_into_about_the_shares_that_it_was(shares: int) -> None:
    weight = 1 + (shares - 2) * 9999 // 262142
    assert shares - 27 <= shares_of(weight) <= shares
