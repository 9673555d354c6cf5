"""Families of limits."""

from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.resources import Gres
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.limits import samples
from rackwatt_exporter.schedulers.views.render import render

GIB = 2**30


def series(*limits: Limit) -> list[str]:
    """Return the lines without the prefix and the labels that every one has."""
    rendered = render(("prod", "alpha"), samples(SchedulerSnapshot({}, limits=limits)), None)
    return [
        line.replace('scheduler="prod",cluster="alpha",', "").removeprefix(
            "rackwatt_scheduler_limit_"
        )
        for lines in rendered.values()
        for line in lines
    ]


def test_an_account_and_a_user_in_it_are_apart_and_what_has_no_limit_has_no_series() -> None:
    assert series(Limit("physics", cpus=40), Limit("physics", "bob", cpus=16)) == [
        'cpus{account="physics",user="",partition=""} 40\n',
        'cpus{account="physics",user="bob",partition=""} 16\n',
    ]


def test_each_limit_has_its_family_in_base_units() -> None:
    all_of_them = Limit(
        "a", "b", "batch", "root", 1, GIB, 2, (Gres("gpu", 4), Gres("gpu", 2, "h100")), 3, 4, 5, 6
    )
    labels = 'account="a",user="b",partition="batch"'
    assert series(all_of_them) == [
        f"cpus{{{labels}}} 1\n",
        f"memory_bytes{{{labels}}} {GIB}\n",
        f"nodes{{{labels}}} 2\n",
        f"running_jobs{{{labels}}} 3\n",
        f"submitted_jobs{{{labels}}} 4\n",
        f"user_running_jobs{{{labels}}} 5\n",
        f"user_submitted_jobs{{{labels}}} 6\n",
        f'gres{{{labels},gres="gpu",type=""}} 4\n',
        f'gres{{{labels},gres="gpu",type="h100"}} 2\n',
    ]


def test_a_limit_of_zero_has_a_series_and_a_domain_in_a_name_is_escaped() -> None:
    (line,) = series(Limit("closed", r"CORP\alice", running_jobs=0))
    assert line == 'running_jobs{account="closed",user="CORP\\\\alice",partition=""} 0\n'


def test_limits_that_are_not_known_have_no_series() -> None:
    assert list(samples(SchedulerSnapshot({}))) == []
