"""Jobs of PBS, Torque and Grid Engine by the control groups that these make."""

from pathlib import Path

import pytest

from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open


@pytest.mark.parametrize(
    ("manager", "version", "path", "unit"),
    [
        ("pbs", 1, "pbs_jobs.service/jobid/5.pbsm", "5.pbsm"),
        ("pbs", 2, "pbs_jobs.service/jobs/5.pbsm", "5.pbsm"),
        ("pbs", 1, "pbs_jobs.service/jobid/12[3].pbs.example.org", "12[3].pbs.example.org"),
        ("pbs", 1, "pbs.service/jobid/7", "7"),
        ("pbs", 1, r"pbspro.slice/pbspro-5.pbs\x2dm.slice", "5.pbs-m"),
        ("pbs", 1, "pbspro/5.pbsm", "5.pbsm"),
        ("pbs", 1, "torque/9.torque", "9.torque"),
        ("gridengine", 1, "UGE/3001.1", "3001.1"),
        ("gridengine", 1, "UGE/3002.17", "3002.17"),
        ("gridengine", 1, "sge/4", "4"),
        ("gridengine", 2, "ocs8012.slice/ocs8012-jobs.slice/ocs8012.1234.scope", "1234"),
        ("gridengine", 2, "ocs8012.slice/ocs8012-jobs.slice/1234.7.scope", "1234.7"),
        ("gridengine", 2, "ocs8012.slice/ocs8012-jobs.slice/ocs8012-jobs-25.slice", "25"),
        ("gridengine", 2, "ocs8012.slice/ocs8012-jobs.slice/ocs8012-jobs-25.3.slice", "25.3"),
    ],
)
async def test_a_job_is_found_where_its_manager_puts_it(
    tmp_path: Path, units_of: Open, manager: str, version: int, path: str, unit: str
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group(path, Use(user_us=2_000_000, cpus="0-1"), "below")
    result = await units_of(tree, manager).read()
    assert [(one.key, one.user_s, one.cpus) for one in result.units] == [((manager, unit), 2.0, 2)]
    assert result.error is None


@pytest.mark.parametrize(
    ("manager", "path"),
    [
        ("pbs", "pbs_jobs.service/pbs_mom"),
        ("pbs", "pbs_jobs.service/jobid/orphans"),
        ("pbs", "pbs_jobs.service"),
        ("gridengine", "UGE/execd"),
        ("gridengine", "sge"),
        ("gridengine", "ocs8012.slice/ocs8012-execd.service"),
        ("gridengine", "ocs8012.slice/ocs9000-jobs.slice/1.scope"),
    ],
)
async def test_what_is_no_job_is_no_unit(
    tmp_path: Path, units_of: Open, manager: str, path: str
) -> None:
    tree = CgroupTree(tmp_path, 1)
    tree.group(path, Use())
    assert (await units_of(tree, manager).read()).units == ()
