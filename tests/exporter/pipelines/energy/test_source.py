import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.energy import Division, EnergyConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.schedule import Schedule
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.pipelines.energy.node_use import NodeUse
from rackwatt_exporter.pipelines.energy.source import EnergyView, NodeEnergy
from rackwatt_exporter.pipelines.energy.state_file import FILE, EnergyStateFile
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, ReadError, Reason
from rackwatt_exporter.store.units import UnitStore
from rackwatt_exporter.units.model import UnitGpu, UnitKey, UnitReading, UnitsResult
from tests.exporter.pipelines.energy.machine import Machine

CPUS = 4
TICKS_PER_S = 100


class Node(Machine):
    """A machine of four CPUs with jobs of Slurm, each with CPU seconds and gibibytes."""

    def __init__(
        self, directory: Path, at_s: float = 1000.0, division: Division | None = None
    ) -> None:
        super().__init__(directory / "state", at_s)
        self.directory = directory
        self.busy_s = 0.0
        self.jobs: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.units = UnitStore("n1", self.clock)
        self.units.sync([UnitsConfig("slurm", "nodes", SlurmUnits())])
        self.spec = EnergyConfig("nodes", division=division or Division(1, 0, "none"))
        self.write_proc()
        self.energy = self.source()

    def source(self, file: EnergyStateFile | None = None) -> NodeEnergy:
        file = file or EnergyStateFile(self.directory / "state")
        host = HostPaths("n1", procfs=self.directory)
        return NodeEnergy(
            self.spec, self.store, self.units, NodeUse(host), file, "boot", self.clock,
            self.suspended,
        )  # fmt: skip

    def write_proc(self) -> None:
        user = round(self.busy_s * TICKS_PER_S)
        cpus = "".join(f"cpu{index} 1 0 0 0 0 0 0 0 0 0\n" for index in range(CPUS))
        (self.directory / "stat").write_text(f"cpu  {user} 0 0 99 7 0 0 5 0 0\n{cpus}intr 0\n")
        (self.directory / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 600 kB\n")

    def run_jobs(self, seconds: float, **cpus: float) -> None:
        """Let time pass, in which jobs use CPUs; one that is not named has ended."""
        self.pass_s(seconds)
        used = {name: self.jobs.get(name, 0.0) + each * seconds for name, each in cpus.items()}
        self.ended = {name: used_s for name, used_s in self.jobs.items() if name not in used}
        self.jobs = used
        self.busy_s += sum(cpus.values()) * seconds
        self.write_proc()

    def read_jobs(
        self, error: ReadError | None = None, unread: Collection[str] = (), **gpus: str
    ) -> None:
        units = tuple(
            self._job(name, used_s, gpus.get(name))
            for name, used_s in self.jobs.items()
            if name not in unread
        )
        ended = tuple(self._job(name, used_s, None) for name, used_s in self.ended.items())
        result = UnitsResult(units, ended, error, unread=frozenset(unread))
        self.units.succeeded("slurm", result, 0.001)

    def _job(self, name: str, used_s: float, gpu: str | None) -> UnitReading:
        gpus = (UnitGpu("0", gpu, "", 1.0),) if gpu else ()
        return UnitReading(
            UnitKey("slurm", name), f"inode-{name}", round(used_s * 1e9), cpus=1.0, gpus=gpus
        )

    async def read(self) -> EnergyView:
        return await self.energy.read()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def joules(view: EnergyView) -> dict[str, float]:
    return {unit: round(energy.joules, 3) for (_, unit), energy in view.units.items()}


async def test_the_source_divides_what_rapl_counted_between_jobs_by_cpu_time(node: Node) -> None:
    for turn in range(4):
        node.run_jobs(10, one=2.0, two=1.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
    assert joules(view) == {"one": 4000.0, "two": 2000.0}
    assert (view.source, view.gpus, view.measured, view.imbalance) == ("rapl", "none", 6000, 0)
    assert view.units["slurm", "one"].watts == pytest.approx(200.0)


async def test_the_source_divides_slow_watts_by_the_cpu_time_of_the_same_seconds(
    node: Node,
) -> None:
    for load in (1.0, 1.0, 1.0, 3.0, 3.0, 3.0):
        node.run_jobs(10, one=load)
        node.read_jobs()
        node.pass_s(4)  # the BMC takes its time, in which the jobs go on
        node.busy_s += 4 * load
        node.jobs["one"] += 4 * load
        node.write_proc()
        node.ipmi(100.0 * load)
        view = await node.read()
    # From the second reading of the jobs, at 1024 s, to their last, at 1080 s. The watts changed
    # between 1042 s and 1056 s.
    assert view.measured == pytest.approx(100 * 18 + 200 * 14 + 300 * 24, abs=1)
    assert joules(view)["one"] == pytest.approx(view.measured)
    assert view.covered_s == pytest.approx(56.0)


async def test_the_source_has_a_reason_while_nothing_measures_the_node(node: Node) -> None:
    node.read_jobs()
    view = await node.read()
    assert (view.source, view.gpus, view.error) == ("", "", None)  # nothing was read yet
    node.gpus({"GPU-1": 5.0})
    for name in ("rapl", "ipmi"):
        node.store.failed(name, ReadError(Reason.ABSENT, "no"), 0.1)
    view = await node.read()
    assert (view.source, view.units, view.measured) == ("", {}, 0)
    assert view.error is not None
    assert "cray, redfish, ipmi, hwmon or rapl must be in spec.node.collectors" in str(view.error)


async def test_the_source_of_a_document_without_energy_has_not_failed_for_want_of_power(
    tmp_path: Path,
) -> None:
    node = Node(tmp_path)
    node.spec = replace(node.spec, is_required=False)
    node.energy = node.source()
    for name in ("rapl", "ipmi", "nvidia"):
        node.store.failed(name, ReadError(Reason.ABSENT, "no"), 0.1)
    assert (await node.read()).error is None


async def test_the_source_charges_a_job_that_lived_between_two_polls(node: Node) -> None:
    node.run_jobs(10, one=1.0)
    node.rapl(0)
    node.read_jobs()
    for joule in (3000.0, 6000.0):
        node.run_jobs(10, one=1.0)
        node.rapl(joule)
        if joule == 6000.0:
            node.ended = {"short": 10.0}
            node.busy_s += 10.0
            node.write_proc()
        node.read_jobs()
        view = await node.read()
    for _ in range(2):
        node.run_jobs(10, one=1.0)
        node.rapl(joule := joule + 2000)
        node.read_jobs()
        view = await node.read()
    assert joules(view)["short"] == pytest.approx(1500, abs=1)
    assert view.imbalance == 0


async def test_the_source_leaves_unattributed_what_jobs_that_cannot_be_read_may_use(
    node: Node,
) -> None:
    node.spec = replace(node.spec, division=Division(1, 0, "none", idle_watts=100.0))
    node.energy = node.source()
    error = ReadError(Reason.SENSOR_UNREADABLE, "job_two/cpu.stat cannot be read")
    for turn in range(7):
        node.run_jobs(10, one=1.0, two=1.0)
        node.rapl(turn * 3000.0)
        is_unread = turn in {3, 4}
        node.read_jobs(error if is_unread else None, ("two",) if is_unread else ())
        view = await node.read()
        if is_unread:
            assert view.units["slurm", "two"].watts is None
    # Of five intervals, 1000 J each are the idle machine's. Of the second and the third, it is
    # unknown how much job two has used; job one has used its own CPU time in any case.
    assert joules(view) == {"one": 5000, "two": 3000}
    assert (view.idle, view.system, view.unattributed) == (5000, 0, 2000)


async def test_the_source_divides_all_where_names_alone_cannot_be_read(node: Node) -> None:
    for turn in range(4):
        node.run_jobs(10, one=2.0)
        node.rapl(turn * 3000.0)
        node.read_jobs(ReadError(Reason.PERMISSION_DENIED, "/var/log/pods may not be listed"))
        view = await node.read()
    assert (joules(view), view.unattributed, view.imbalance) == ({"one": 6000}, 0, 0)


async def test_the_source_charges_a_job_that_ended_before_the_last_of_two_polls(node: Node) -> None:
    for turn in range(6):
        node.run_jobs(5, one=1.0)
        if turn == 3:
            node.ended = {"short": 10.0}
            node.busy_s += 10.0
            node.write_proc()
        node.read_jobs()
        node.run_jobs(5, one=1.0)
        node.read_jobs()  # the ledger was not advanced meanwhile
        node.rapl(turn * 3000.0)
        view = await node.read()
    assert joules(view)["short"] == pytest.approx(1500, abs=1)
    assert (view.system, view.imbalance) == (0, 0)


async def test_the_source_measures_the_same_joules_as_the_collector_between_its_advances(
    node: Node,
) -> None:
    for watts in (100.0, 900.0, 100.0, 900.0, 100.0, 900.0, 100.0):
        node.run_jobs(5, one=1.0)
        node.read_jobs()
        node.ipmi(watts)
        if watts == 100.0:
            view = await node.read()
    account = node.store.account("ipmi", DomainPower(WHOLE_NODE, "dcmi", 100.0))
    assert view.measured == account.joules == 6 * 5 * 500


async def test_the_source_books_nothing_across_a_suspension(node: Node) -> None:
    for turn in range(8):
        node.run_jobs(10, one=2.0)
        if turn == 4:
            node.suspended_s += 20.0
        node.rapl(turn * 3000.0)
        node.ipmi(300.0)
        node.read_jobs()
        view = await node.read()
    # From the first reading to the fourth, and from the fifth on.
    assert (view.source, view.measured, view.covered_s) == ("ipmi", 6 * 3000, 60.0)
    assert joules(view) == {"one": 6 * 3000}
    account = node.store.account("ipmi", DomainPower(WHOLE_NODE, "dcmi", 300.0))
    assert account.joules == 6 * 3000


async def test_the_source_gives_the_energy_of_a_gpu_to_the_job_that_holds_it(node: Node) -> None:
    for turn in range(4):
        node.run_jobs(10, one=1.0, two=1.0)
        node.ipmi(300.0)
        node.gpus({"GPU-1": turn * 1000.0, "GPU-2": turn * 100.0})
        node.read_jobs(one="GPU-1")
        view = await node.read()
    # The GPUs' counters are known from the second reading on: before, nothing can be divided.
    assert joules(view) == {"one": 2000 + 1900, "two": 1900}
    assert (view.unattributed, view.imbalance) == (3000, 0)
    assert (view.idle, view.gpus, view.source) == (200, "included", "ipmi")


async def test_the_source_divides_nothing_while_a_gpu_is_lost(node: Node) -> None:
    for turn in range(8):
        node.run_jobs(10, one=0.04)
        node.ipmi(4000.0)
        if turn < 4:
            node.gpus({"GPU-1": turn * 10_000.0})
        else:
            node.store.failed("nvidia", ReadError(Reason.TIMEOUT, "NVML hangs"), 30.0)
            node.store.records["nvidia"].value = None  # as once it is stale
        node.read_jobs()
        view = await node.read()
    # Of four intervals without the counter, and the first, the GPU's part is unknown.
    assert view.unattributed == 5 * 40_000
    assert sum(joules(view).values()) + view.system + view.idle == 2 * 40_000
    assert view.idle_watts is None or view.idle_watts < 600


async def test_the_source_measures_nothing_by_rapl_while_a_gpu_is_lost(node: Node) -> None:
    node.store.failed("nvidia", ReadError(Reason.TIMEOUT, "NVML hangs"), 30.0)
    for turn in range(4):
        node.run_jobs(10, one=1.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
    assert (view.measured, view.covered_s) == (0, 0)


async def test_the_source_spreads_what_a_coarse_counter_of_the_bmc_counts(node: Node) -> None:
    for turn in range(8):
        node.run_jobs(10, one=1.0)
        powers = (DomainPower(WHOLE_NODE, "redfish", 500.0, joules=3.6e6 * (turn // 6)),)
        node.store.succeeded("ipmi", CollectorResult(powers=powers), 0.5)
        node.gpus({"GPU-1": turn * 1000.0})
        node.read_jobs()
        view = await node.read()
    assert (view.measured, view.gpus) == (7 * 5000, "included")


async def test_a_job_that_was_missed_is_charged_for_the_time_alone(node: Node) -> None:
    node.jobs = {"old": 360_000.0, "other": 0.0}
    for turn in range(8):
        node.run_jobs(10, old=1.0, other=1.0)
        node.rapl(turn * 3000.0)
        missed = node.jobs.pop("old") if turn in {3, 4} else None
        node.read_jobs()
        if missed is not None:
            node.jobs["old"] = missed
        view = await node.read()
    found = joules(view)
    assert found["old"] == pytest.approx(found["other"], rel=0.35)


async def test_a_job_that_has_ended_is_charged_no_more(node: Node) -> None:
    for turn in range(8):
        jobs = {"one": 1.0} if turn < 4 else {"two": 1.0}
        node.run_jobs(10, **jobs)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
        if turn == 5:
            before = joules(view)
    assert joules(view)["one"] == before["one"]
    assert view.units["slurm", "one"].watts == 0.0
    assert view.units["slurm", "two"].watts == pytest.approx(300.0)


async def test_the_watts_of_a_job_are_withdrawn_with_their_source(node: Node) -> None:
    for turn in range(4):
        node.run_jobs(10, one=1.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
    assert view.units["slurm", "one"].watts == pytest.approx(300.0)
    for _ in range(12):
        node.run_jobs(10, one=1.0)
        node.read_jobs()
        view = await node.read()
    assert view.units["slurm", "one"].watts is None
    assert joules(view) == {"one": 6000}


async def test_the_units_of_a_manager_that_no_document_names_have_ended(node: Node) -> None:
    for turn in range(4):
        node.run_jobs(10, one=1.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        await node.read()
    node.units.sync([])
    for turn in range(4, 40):
        node.pass_s(10)
        node.rapl(turn * 3000.0)
        view = await node.read()
    assert (view.units, view.units_total, view.imbalance) == ({}, 6000, 0)


async def test_the_source_advances_however_much_slower_another_is(node: Node) -> None:
    node.store.sync([CollectorConfig("ipmi", "nodes", Schedule(stale_after_s=1000.0))])
    for turn in range(240):
        node.run_jobs(2, one=1.0)
        node.read_jobs()
        if turn % 45 == 7:
            node.ipmi(100.0)
        view = await node.read()
    assert view.covered_s == pytest.approx(450, abs=1)
    assert joules(view)["one"] == pytest.approx(45_000, rel=0.01)


async def test_the_ledger_goes_on_in_a_new_process_and_books_the_restart(tmp_path: Path) -> None:
    node = Node(tmp_path)
    for turn in range(4):
        node.run_jobs(10, one=2.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        before = await node.read()
        await node.save()
    again = Node(tmp_path, node.now_s)
    again.jobs, again.busy_s = node.jobs, node.busy_s
    for turn in range(4, 7):
        again.run_jobs(10, one=2.0)
        again.rapl(turn * 3000.0)
        again.read_jobs()
        after = await again.read()
    assert (before.measured, joules(before)) == (6000, {"one": 6000})
    assert (after.measured, joules(after)) == (15000, {"one": 15000})


@pytest.mark.parametrize("kills_after", range(1, 6))
async def test_a_killed_process_loses_nothing_served_and_doubles_nothing(
    tmp_path: Path, kills_after: int
) -> None:
    node = Node(tmp_path)
    served = 0.0
    for turn in range(8):
        node.run_jobs(10, one=2.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
        await node.save()
        assert view.measured >= served
        assert view.measured <= max(0, turn - 1) * 3000
        served = view.measured
        if turn == kills_after:
            killed, node = node, Node(tmp_path, node.now_s)
            node.jobs, node.busy_s = killed.jobs, killed.busy_s
            node.write_proc()
    assert served >= 3000 * 5


async def test_the_ledger_goes_on_where_a_document_has_changed(tmp_path: Path) -> None:
    node = Node(tmp_path)
    file = EnergyStateFile(None)  # also where no directory keeps it
    for turn in range(8):
        if turn in {0, 4}:
            node.spec = replace(node.spec, division=Division(1, 0, "none", idle_watts=0.0))
            node.energy = node.source(file)
        node.run_jobs(10, one=2.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
    assert (view.measured, joules(view), view.idle_watts) == (18000, {"one": 18000}, 0.0)


async def test_a_state_that_cannot_be_read_is_kept_beside(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / FILE).write_text('{"ledger": {"measured": "a lot"}}')
    node = Node(tmp_path)
    node.read_jobs()
    assert (await node.read()).measured == 0
    assert (tmp_path / "state/node-energy.unreadable").exists()


async def test_a_full_disk_stops_neither_the_ledger_nor_its_numbers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(tmp_path)
    shutil.rmtree(tmp_path / "state", ignore_errors=True)
    (tmp_path / "state").write_text("a file in place of the directory")
    for turn in range(5):
        node.run_jobs(10, one=2.0)
        node.rapl(turn * 3000.0)
        node.read_jobs()
        view = await node.read()
    assert view.measured == 9000
    assert len([one for one in caplog.records if "cannot be kept" in one.message]) == 1


async def test_the_source_has_a_reason_where_the_use_of_the_node_cannot_be_read(node: Node) -> None:
    (node.directory / "meminfo").write_text("MemTotal: 1000 kB\n")
    with pytest.raises(ReadError, match="has no MemAvailable"):
        await node.read()
    (node.directory / "stat").unlink()
    node.energy = node.source()
    with pytest.raises(ReadError, match="there is no"):
        await node.read()
