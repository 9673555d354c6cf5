"""The pipeline of Lustre: its part of a page, and which jobs its source is given."""

import asyncio
from pathlib import Path

import pytest

from rackwatt_exporter.config.lustre import LustreConfig, LustreOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.lustre.reading import KnownJobs
from rackwatt_exporter.pipelines.lustre import LustrePipeline, LustreStore
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore
from tests.exporter.lustre.captured import reading
from tests.exporter.schedulers.bindings import resolved

LOOPS = ("attended",)
CONFIG = LustreConfig("prod", "alpha", LustreOptions("http://127.0.0.1:1"))
JOBS = (Job("7", "running", user="alice"),)


class House:
    """A pipeline, with the store of the schedulers that it is joined with."""

    def __init__(self, config: LustreConfig = CONFIG) -> None:
        self.schedulers = NodeStateStore(TargetStore(LedgerFile(None)))
        self.schedulers.sync([resolved("slurm: {cli: {}}")])
        self.store = LustreStore()
        self.store.sync([config])
        self.pipeline = LustrePipeline(self.store, self.schedulers, Secrets(Path()))

    def page(self) -> dict[str, list[str]]:
        return {
            family.name: b"".join(parts).decode().splitlines()
            for family, parts in self.pipeline.families(0.0)
            if parts
        }

    async def jobs(self) -> KnownJobs:
        return await self.pipeline._jobs("prod")


@pytest.fixture
def house() -> House:
    return House()


def test_a_page_before_the_first_poll_has_no_io_and_is_not_ok(house: House) -> None:
    page = house.page()
    assert page.keys() == {"rackwatt_lustre_up", "cluster_exporter_scrape_ok"}
    assert page["cluster_exporter_scrape_ok"] == [
        'cluster_exporter_scrape_ok{scheduler="prod",cluster="alpha"} 0'
    ]


def test_a_part_that_failed_is_not_ok_and_what_was_read_is_served(house: House) -> None:
    error = ReadError(Reason.TIMEOUT, "Prometheus did not answer a query within 5s")
    whole = reading()
    part = type(whole)(whole.sums, whole.stages, whole.jobids, error=error)
    house.store.succeeded("prod", part, 0.1)
    page = house.page()
    assert page["cluster_exporter_scrape_ok"][0].endswith(" 0")
    assert page["rackwatt_lustre_errors_total"][0].endswith('reason="timeout"} 1')
    assert len(page["cluster_job_read_throughput_bytes"]) == 43
    house.store.succeeded("prod", whole, 0.1)
    assert house.page()["cluster_exporter_scrape_ok"][0].endswith(" 1")


def test_a_pattern_of_the_document_excludes_families() -> None:
    config = LustreConfig("prod", "alpha", CONFIG.options, exclude="cluster_(proc|exporter)_.*")
    house = House(config)
    house.store.succeeded("prod", reading(), 0.1)
    names = house.page().keys()
    assert "cluster_job_read_throughput_bytes" in names
    assert not [name for name in names if name.startswith(("cluster_proc", "cluster_exporter"))]


def test_a_reading_is_summarised_by_what_its_job_ids_are_of(house: House) -> None:
    assert house.pipeline.summary(reading()) == (
        "73 job ids with I/O: 48 of jobs, 20 of processes, 5 unmatched"
    )


async def test_the_first_reading_waits_for_the_first_answer_of_the_scheduler(house: House) -> None:
    waiting = asyncio.create_task(house.jobs())
    await asyncio.sleep(0)
    assert not waiting.done()
    house.schedulers.succeeded("prod", SchedulerSnapshot({}, jobs=JOBS), 0.1)
    assert (await waiting).jobs is JOBS


async def test_jobs_of_a_scheduler_that_fails_are_not_known_for_its_reason(house: House) -> None:
    house.schedulers.failed("prod", ReadError(Reason.UNREACHABLE, "slurmctld is down"), 0.1)
    with pytest.raises(ReadError, match="jobs are not known: slurmctld is down") as caught:
        await house.jobs()
    assert caught.value.reason is Reason.UNREACHABLE


async def test_jobs_that_a_scheduler_does_not_list_are_not_known(house: House) -> None:
    house.schedulers.succeeded("prod", SchedulerSnapshot({}, note="PrivateData hides them"), 0.1)
    with pytest.raises(ReadError, match="jobs are not known: PrivateData hides them"):
        await house.jobs()


async def test_jobs_of_the_last_snapshot_are_given_while_the_scheduler_fails(house: House) -> None:
    house.schedulers.succeeded("prod", SchedulerSnapshot({}, jobs=JOBS), 0.1)
    house.schedulers.failed("prod", ReadError(Reason.TIMEOUT, "no answer"), 0.1)
    assert (await house.jobs()).jobs is JOBS
