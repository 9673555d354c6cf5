import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import Members, ReadError, Reason
from rackwatt_exporter.targets.membership import FORGET_AFTER_S, Membership


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_member_that_comes_late_is_counted_from_then_on() -> None:
    membership = Membership()
    assert membership.check(["a"]) == Members(1, 1)
    assert membership.check(["a", "b"]) == Members(2, 2)


def test_a_member_that_is_missing_is_named_until_it_returns() -> None:
    membership = Membership()
    membership.check(["a", "b", "c"])
    for _ in range(2):
        with pytest.raises(ReadError, match=r"2 of 3 members .* missing: b\.") as error:
            membership.check(["a", "c"])
        assert error.value.reason is Reason.MEMBER_MISSING
        assert error.value.members == Members(3, 2)
    assert membership.check(["a", "b", "c"]) == Members(3, 3)


def test_a_member_that_has_been_missing_for_an_hour_was_removed() -> None:
    clock = Clock()
    membership = Membership(clock)
    membership.check(["a", "b"])
    clock.now_s += FORGET_AFTER_S
    with pytest.raises(ReadError):
        membership.check(["a"])
    clock.now_s += 1
    assert membership.check(["a"]) == Members(1, 1)


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=1))
def test_membership_never_accepts_fewer_members_than_were_seen_within_the_hour(
    looks: list[set[str]],
) -> None:
    membership, seen = Membership(Clock()), set[str]()
    for found in looks:
        complete = seen <= found
        seen |= found
        try:
            members = membership.check(found)
        except ReadError as error:
            assert not complete
            members = error.members or Members(0, 0)
        else:
            assert complete
        assert members == Members(len(seen), len(found))
