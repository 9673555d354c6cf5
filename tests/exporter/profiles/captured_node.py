"""The node of tests/data/ceems-0.10, written again as files, from the numbers of the old page.

Both captures are of one node: what it was is on the page of version 2.
"""

from pathlib import Path

from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.profiles.pages import CAPTURES, Page, labels_of, of, page
from tests.exporter.units.cgroup_tree import CgroupTree, Use

OBJECTS = 124
_PLACES = {2: "system.slice/slurmstepd.scope/job_{0}", 1: "slurm/uid_1000/job_{0}"}
_UNIT = "ceems_compute_unit_"
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def truth() -> Page:
    return page((CAPTURES / "v2.txt").read_text())


def write_node(root: Path, version: int) -> Powercap:
    """Write the node; return its counters of energy."""
    known = truth()
    tree = CgroupTree(root, version)
    for labels in labels_of(known, f"{_UNIT}cpus"):
        _write_job(tree, known, labels["uuid"], _PLACES[version])
    tree.group(_PLACES[version].format(9), Use(user_us=7, tasks=0), "step_0/user/task_0")
    _write_proc(root / "proc", known)
    rapl = Powercap(root / "sys", XEON)
    for index in "01":
        joules = of(known, "ceems_rapl_package_joules_total", index=index)
        dram = of(known, "ceems_rapl_dram_joules_total", index=index)
        rapl.show(**{f"intel_rapl_{index}": joules, f"intel_rapl_{index}_0": dram})
        rapl.limit(f"intel-rapl:{index}", long_term=205.0, short_term=246.0)
        rapl.limit(f"intel-rapl:{index}:0", long_term=0.0)
    return rapl


def _write_job(tree: CgroupTree, known: Page, job: str, place: str) -> None:
    def value(name: str) -> int:
        return round(of(known, f"{_UNIT}{name}", uuid=job))

    def micro(name: str) -> int:
        return round(of(known, f"{_UNIT}{name}", uuid=job) * 1e6)

    use = Use(
        user_us=micro("cpu_user_seconds_total"),
        system_us=micro("cpu_system_seconds_total"),
        anonymous=value("memory_rss_bytes"),
        file=value("memory_cache_bytes"),
        swap=value("memsw_used_bytes"),
        limit=value("memory_total_bytes"),
        swap_limit=value("memsw_total_bytes"),
        cpus=f"0-{value('cpus') - 1}",
        pressure_us=2 * micro("cpu_psi_seconds"),
        read=1 << 20,
        written=1 << 19,
        handles=value("rdma_hca_handles"),
    )
    path = place.format(job)
    tree.group(path, use, "step_0/user/task_0")
    for top in tree.tops():
        for name in ("memory.current", "memory.usage_in_bytes"):
            if (top / path / name).exists():
                (top / path / name).write_text(f"{value('memory_used_bytes')}\n")
        if (file := top / path / "memory.pressure").exists():
            total = micro("memory_psi_seconds")
            line = "{0} avg10=0.00 avg60=0.00 avg300=0.00 total={1}\n"
            file.write_text(line.format("some", 3 * total) + line.format("full", total))
        if (file := top / path / "rdma.current").exists():
            file.write_text(f"mlx5_0 hca_handle={use.handles} hca_object={OBJECTS}\n")


def _write_proc(procfs: Path, known: Page) -> None:
    ticks = [round(of(known, "ceems_cpu_seconds_total", mode=mode) * 100) for mode in _MODES]
    cpus = round(of(known, "ceems_cpu_count"))
    lines = [f"cpu  {' '.join(map(str, ticks))} 0 0", *(f"cpu{n} 0 0 0 0" for n in range(cpus))]
    (procfs / "stat").write_text("\n".join([*lines, "intr 0\n"]))
    sizes = {
        name: round(of(known, f"ceems_meminfo_{name}_bytes")) // 1024
        for name in ("MemTotal", "MemFree", "MemAvailable")
    }
    sizes["SwapTotal"] = round(of(known, f"{_UNIT}memsw_total_bytes", uuid="1000000")) // 1024
    (procfs / "meminfo").write_text("".join(f"{k}: {v} kB\n" for k, v in sizes.items()))
