"""Families of licences."""

from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.licenses import samples
from rackwatt_exporter.schedulers.views.render import render


def lines(*licenses: License) -> str:
    rendered = render(("prod", "alpha"), samples(SchedulerSnapshot({}, licenses=licenses)), None)
    return "".join(line for lines in rendered.values() for line in lines)


def test_a_licence_of_which_none_is_free_has_a_series_and_what_was_not_reported_has_none() -> None:
    common = '{scheduler="prod",cluster="alpha",license="matlab",nodes=""}'
    assert lines(License("matlab", 10, 10, 0)) == (
        f"rackwatt_scheduler_license_capacity{common} 10\n"
        f"rackwatt_scheduler_license_used{common} 10\n"
        f"rackwatt_scheduler_license_free{common} 0\n"
    )


def test_a_remote_licence_has_what_its_server_reported() -> None:
    text = lines(License("m@flex", 10, 2, 1, 0, remote=True, last_consumed=9, last_deficit=1))
    common = '{scheduler="prod",cluster="alpha",license="m@flex",nodes=""}'
    assert f"license_last_consumed{common} 9\n" in text
    assert f"license_last_deficit{common} 1\n" in text


def test_pools_of_one_licence_differ_by_their_nodes() -> None:
    pools = License("fs", 5, 1, 4, nodes="n[1-2]"), License("fs", 7, 0, 7, nodes="n[3-4]")
    text = lines(*pools)
    for pool in pools:
        assert f'license="fs",nodes="{pool.nodes}"}} {pool.total}\n' in text


def test_licences_that_are_not_known_have_no_series() -> None:
    assert list(samples(SchedulerSnapshot({}))) == []
