"""The profile of batchjob over a node whose job is that of batchjob_exporter's own sample."""

from pathlib import Path

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.bmc_statistics import statistics_samples
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.profiles.batchjob.view import FAMILIES, batchjob
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, Statistics
from rackwatt_exporter.units.model import UnitGpu, UnitInfo, UnitKey, UnitReading, UnitsResult
from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.profiles.conftest import MakeNode
from tests.exporter.profiles.pages import labels_of, of, shown
from tests.exporter.units.cgroup_tree import CgroupTree, Use

GIB = 2**30
JOB = "batchjob_slurm_job_"
UUID = "0f0ac288-dbd4-a9a3-df3a-ab14ef9d51d5"
PROPERTIES = SlurmUnits(properties_directory="/run/slurmjobprops")


async def test_a_job_has_the_labels_that_the_prolog_of_batchjob_gives_it(
    tmp_path: Path, node_of: MakeNode
) -> None:
    tree = CgroupTree(tmp_path)
    use = Use(user_us=60_375_292, system_us=115_777_502, limit=4 * GIB, cpus="0-1", pressure_us=10)
    tree.group("system.slice/slurmstepd.scope/job_1009248", use)
    files = tmp_path / "run/slurmjobprops"
    files.mkdir(parents=True)
    (files / "1009248").write_text("testusr testacc compute-[0-2]\n")
    node = node_of(tmp_path, slurm=PROPERTIES)
    await node.poll()
    ours = shown(batchjob(node.stores))
    (labels,) = labels_of(ours, f"{JOB}cpus")
    assert labels == {
        "batch": "slurm", "hostname": "vm", "jobaccount": "testacc", "jobid": "1009248",
        "jobuser": "testusr", "jobuuid": UUID, "step": "", "task": "",
    }  # fmt: skip
    assert of(ours, f"{JOB}cpus") == 2
    assert of(ours, f"{JOB}cpu_user_seconds") == 60.375292
    assert of(ours, f"{JOB}cpu_total_seconds") == 176.152794
    assert of(ours, f"{JOB}cpu_psi_seconds") == 5e-6
    assert of(ours, f"{JOB}memory_total_bytes") == 4 * GIB
    assert of(ours, "batchjob_scrape_collector_success", collector="slurm") == 1


async def test_gpus_of_a_job_have_their_uuid_twice_and_no_step(
    tmp_path: Path, node_of: MakeNode
) -> None:
    node = node_of(tmp_path, slurm=None)
    held = (UnitGpu("2", "20180003050c", "", 1.0), UnitGpu("3", "20170005280c", "", 0.5))
    info = UnitInfo("ours", "testusr", "testacc")
    key = UnitKey("slurm", "1009248")
    reading = UnitReading(key, "boot-1", gpus=held, info=info, nodelist="compute-[0-2]")
    node.stores.units.succeeded("slurm", UnitsResult((reading,)), 0.001)
    ours = shown(batchjob(node.stores))
    flags = labels_of(ours, f"{JOB}gpu_jobid_flag")
    assert [(one["UUID"], one["uuid"], one["index"]) for one in flags] == [
        ("20180003050c", "20180003050c", "2"),
        ("20170005280c", "20170005280c", "3"),
    ]
    assert {one["jobuuid"] for one in flags} == {UUID}
    assert all("step" not in one for one in flags)
    assert of(ours, f"{JOB}gpu_jobid_flag", index="3") == 1


async def test_watts_of_dcmi_and_joules_of_packages_have_the_types_of_batchjob(
    tmp_path: Path, node_of: MakeNode
) -> None:
    rapl = Powercap(tmp_path / "sys", XEON)
    node = node_of(tmp_path, "rapl")
    await node.poll()
    rapl.show(intel_rapl_0=900.0, intel_rapl_0_0=100.0)
    await node.poll()
    store = node.stores.collectors
    store.sync([CollectorConfig("rapl", "nodes"), CollectorConfig("ipmi", "nodes")])
    samples = tuple(
        statistics_samples(
            "ipmi", Statistics(average_watts=348.0, minimum_watts=68.0, maximum_watts=504.0)
        )
    )
    power = DomainPower(WHOLE_NODE, "dcmi", 332.0)
    store.succeeded("ipmi", CollectorResult(samples, powers=(power,)), 0.001)
    ours = shown(batchjob(node.stores))
    watts = [of(ours, f"batchjob_ipmi_dcmi_{one}_watts_total") for one in ("current", "min", "max")]
    assert watts == [332, 68, 504]
    assert of(ours, "batchjob_rapl_package_joules_total", index="0") == 900.0
    assert len(labels_of(ours, "batchjob_rapl_package_joules_total")) == 2
    kinds = {one.name: one.kind for one in FAMILIES}
    assert kinds["batchjob_ipmi_dcmi_current_watts_total"] == "counter"
    assert kinds[f"{JOB}cpu_user_seconds"] == "gauge"
