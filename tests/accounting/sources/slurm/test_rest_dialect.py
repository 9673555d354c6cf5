import json

import pytest

from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.slurm.rest_dialect import Dialect
from rackwatt_exporter.reading import ReadError, Reason


def described(*numbers: int) -> bytes:
    paths: dict[str, object] = {f"/slurmdb/v0.0.{number}/jobs/": {} for number in numbers}
    return json.dumps({"paths": {**paths, "/slurm/v0.0.99/nodes": {}}}).encode()


@pytest.mark.parametrize(
    ("offered", "best"), [((38,), 38), ((40, 42, 41), 42), ((44, 45, 46, 47), 45), ((48, 46), 46)]
)
def test_the_newest_version_that_is_known_is_taken(offered: tuple[int, ...], best: int) -> None:
    assert Dialect.best(described(*offered)).number == best


@pytest.mark.parametrize(("body", "words"), [(described(), "plugin"), (b"<html>", "is url that")])
def test_a_slurmrestd_without_accounting_is_an_error(body: bytes, words: str) -> None:
    with pytest.raises(ReadError, match=words) as raised:
        Dialect.best(body)
    assert raised.value.reason is Reason.BAD_REPLY


def test_newer_versions_are_requested_to_list_all_runs_and_whole_times_which_0_0_38_gives_anyway() -> (
    None
):
    window = Window(100, 200)
    old, new = (Dialect(number).jobs(window, "alpha").query for number in (38, 40))
    bounds: dict[str, object] = {"start_time": "uts100", "end_time": "uts200", "cluster": "alpha"}
    assert old == {**bounds, "skip_steps": "true"}
    assert new == {**old, "show_duplicates": "true", "disable_truncate_usage_time": "true"}


def test_ids_are_one_request_or_in_0_0_38_one_each() -> None:
    paths = [request.path for request in Dialect(38).jobs_by_id(["1", "2"], 100, "alpha")]
    assert paths == ["/slurmdb/v0.0.38/job/1", "/slurmdb/v0.0.38/job/2"]
    (request,) = Dialect(42).jobs_by_id(["1", "2"], 100, "alpha")
    assert request.target == (
        "/slurmdb/v0.0.42/jobs?start_time=uts100&step=1&step=2&cluster=alpha&skip_steps=true"
        "&show_duplicates=true&disable_truncate_usage_time=true"
    )


@pytest.mark.parametrize(
    ("number", "query"),
    [(38, {}), (40, {"with_coords": "true"}), (41, {"WithCoordinators": "true"})],
)
def test_coordinators_have_a_word_in_each_version(number: int, query: dict[str, str]) -> None:
    assert Dialect(number).accounts().query == query
