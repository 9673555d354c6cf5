"""The families of a scheduler that counts its nodes and jobs and lists neither."""

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.numbers import samples

NUMBERS = Numbers(
    {"idle": 2, "down": 0},
    {"drain": 1},
    {"pending": 98},
    {"completing": 0},
    users={"alice": {"pending": 98}},
    accounts={},
)


def series(options: MetricsOptions, numbers: Numbers | None = NUMBERS) -> dict[str, float]:
    found = samples(SchedulerSnapshot({}, numbers=numbers), options)
    return {
        " ".join((one.family.name.removeprefix("rackwatt_scheduler_"), *one.labels)): one.value
        for one in found
    }


def test_numbers_are_served_by_base_state_and_flag_zeros_too() -> None:
    assert series(MetricsOptions()) == {
        "base_state_nodes idle": 2,
        "base_state_nodes down": 0,
        "flagged_nodes drain": 1,
        "base_state_jobs pending": 98,
        "flagged_jobs completing": 0,
        "user_base_state_jobs alice pending": 98,
    }


def test_numbers_that_a_document_does_not_want_are_not_served() -> None:
    found = series(MetricsOptions(jobs=False, users=False))
    assert found.keys() == {
        "base_state_nodes idle", "base_state_nodes down", "flagged_nodes drain",
    }  # fmt: skip


def test_a_scheduler_that_lists_its_nodes_has_none_of_these_families() -> None:
    assert series(MetricsOptions(), None) == {}
