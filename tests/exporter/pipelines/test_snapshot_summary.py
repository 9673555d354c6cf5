from rackwatt_exporter.pipelines.snapshot_summary import summarized
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.exporter.schedulers.snapshots import snapshot


def test_a_summary_counts_nodes_by_state() -> None:
    assert summarized(snapshot({"n1": "idle", "n2": "down", "n3": "idle"})) == "1 down, 2 idle"
    assert summarized(snapshot({})) == "no nodes"


def test_the_summary_of_numbers_names_base_states_and_does_not_call_them_states() -> None:
    numbers = Numbers({"idle": 9, "down": 0}, {"drain": 4}, {"pending": 98}, {})
    summary = summarized(SchedulerSnapshot({}, numbers=numbers))
    assert summary == "nodes by base state: 9 idle; jobs by base state: 98 pending"


def test_a_summary_says_none_of_jobs_that_are_known_to_be_none() -> None:
    assert summarized(SchedulerSnapshot({}, jobs=())) == "no nodes; jobs: none"
