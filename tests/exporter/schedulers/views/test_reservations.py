"""Families of reservations."""

from rackwatt_exporter.schedulers.model.reservation import Reservation
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views import reservations


def numbers(*known: Reservation) -> dict[tuple[str, ...], float]:
    snapshot = SchedulerSnapshot({}, reservations=known)
    return {
        (family.name.removeprefix("rackwatt_scheduler_reservation_"), *labels): number
        for family, labels, number in reservations.samples(snapshot)
    }


def test_a_reservation_has_when_it_is_what_it_has_and_whom_it_is_for() -> None:
    one = Reservation(
        "maint", False, 100, 200, ("n2",), 1, 8, ("root", "daemon"), ("phys",), "batch", ("maint",)
    )
    assert numbers(one) == {
        ("active", "maint"): 0,
        ("start_timestamp_seconds", "maint"): 100,
        ("end_timestamp_seconds", "maint"): 200,
        ("nodes", "maint"): 1,
        ("cores", "maint"): 8,
        ("info", "maint", "batch", "root,daemon", "phys", "maint"): 1,
    }


def test_what_was_not_reported_has_no_series() -> None:
    assert numbers(Reservation("r")) == {("info", "r", "", "", "", ""): 1}
    assert list(reservations.samples(SchedulerSnapshot({}))) == []


def test_a_long_list_of_users_is_cut() -> None:
    users = tuple(f"user{number}" for number in range(100))
    (key,) = numbers(Reservation("r", users=users))
    assert len(key[3]) == 200
    assert key[3].endswith("…")
