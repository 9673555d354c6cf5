"""Rights: what each role sees, by cluster, and what it sees when it acts."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.identity.caller import Caller
from rackwatt_accounting.identity.rights import Role, Rules, below, is_admin, scope_of
from rackwatt_accounting.model.associations import Account, Associations, Membership

RULES = {
    "alpha": Rules(
        admins=frozenset(["root"]), staff=frozenset(["sam"]), auditors=frozenset(["aud"])
    ),
    "beta": Rules(admins=frozenset(["ben"])),
}
OPEN = {"alpha": Rules(shares_rows=True)}
ACCOUNTS = (
    Account("root"),
    Account("physics", "root"),
    Account("lasers", "physics"),
    Account("biology", "root"),
)


def of(*memberships: Membership) -> Mapping[str, Associations]:
    return {"alpha": Associations(ACCOUNTS, memberships)}


ALICE = of(Membership("alice", "lasers"))
LEAD = of(Membership("lea", "physics", is_coordinator=True))


def test_a_user_sees_their_own_rows_and_no_member_s() -> None:
    scope = scope_of(Caller("alice"), ALICE, RULES)
    assert scope.sees("alpha", "alice", "lasers")
    assert scope.sees("alpha", "alice", "elsewhere")
    assert not scope.sees("alpha", "bob", "lasers")
    assert scope.clusters["alpha"].memberships == {"lasers"}
    assert not scope.clusters["alpha"].may_change


def test_a_user_of_a_cluster_is_no_one_in_one_without_rules() -> None:
    scope = scope_of(Caller("alice"), {"gamma": ALICE["alpha"]}, RULES)
    assert not scope.sees("gamma", "alice", "lasers")
    assert not scope.sees_all("gamma")


def test_a_row_without_a_user_is_no_user_s_own() -> None:
    assert not scope_of(Caller(""), {}, RULES).sees("alpha", "", "")
    assert not scope_of(Caller("alice"), ALICE, RULES).sees("alpha", "", "")


def test_members_see_each_other_s_rows_where_the_document_says_so() -> None:
    scope = scope_of(Caller("alice"), ALICE, OPEN)
    assert scope.sees("alpha", "bob", "lasers")
    assert not scope.sees("alpha", "bob", "physics")


def test_a_project_lead_sees_the_account_and_those_below_it() -> None:
    scope = scope_of(Caller("lea"), LEAD, RULES)
    assert scope.sees("alpha", "bob", "physics")
    assert scope.sees("alpha", "bob", "lasers")
    assert not scope.sees("alpha", "bob", "biology")
    assert not scope.sees("alpha", "bob", "root")
    assert not scope.sees("beta", "bob", "physics")
    assert not scope.sees_all("alpha")


def test_memberships_of_another_user_give_no_rights() -> None:
    scope = scope_of(Caller("bob"), LEAD, RULES)
    assert not scope.sees("alpha", "lea", "physics")


def test_rights_that_are_taken_away_are_gone_at_once() -> None:
    assert scope_of(Caller("lea"), LEAD, RULES).sees("alpha", "bob", "physics")
    without = of(Membership("lea", "physics"))
    assert not scope_of(Caller("lea"), without, RULES).sees("alpha", "bob", "physics")
    assert not scope_of(Caller("root", is_admin=True), {}, {"alpha": Rules()}).sees_all("alpha")


@pytest.mark.parametrize(
    ("name", "role", "changes"),
    [("root", Role.ADMIN, True), ("sam", Role.STAFF, True), ("aud", Role.AUDITOR, False)],
)
def test_staff_auditors_and_admins_see_all_of_their_cluster(
    name: str, role: Role, changes: bool
) -> None:
    scope = scope_of(Caller(name), {}, RULES)
    assert RULES["alpha"].role(name) is role
    assert scope.sees_all("alpha")
    assert scope.sees("alpha", "bob", "biology")
    assert not scope.sees_all("beta")
    assert not scope.sees("beta", "bob", "biology")
    assert scope.clusters["alpha"].may_change is changes


def test_a_user_in_several_lists_is_the_greatest_of_them() -> None:
    every = frozenset(["x"])
    assert Rules(admins=every, staff=every, auditors=every).role("x") is Role.ADMIN
    assert Rules(staff=every, auditors=every).role("x") is Role.STAFF


def test_an_admin_is_one_of_any_cluster() -> None:
    assert [is_admin(name, RULES) for name in ("root", "ben", "sam", "aud", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_an_admin_who_acts_sees_what_the_user_sees_and_changes_nothing() -> None:
    scope = scope_of(Caller("root", True, "alice"), ALICE, RULES)
    assert scope.clusters["alpha"] == scope_of(Caller("alice"), ALICE, RULES).clusters["alpha"]
    as_staff = scope_of(Caller("root", True, "sam"), {}, RULES).clusters["alpha"]
    assert as_staff.everything
    assert not as_staff.may_change


def test_an_admin_acts_in_no_cluster_of_another_admin() -> None:
    scope = scope_of(Caller("ben", True, "alice"), ALICE, RULES)
    assert set(scope.clusters) == {"beta"}
    assert not scope.sees("alpha", "alice", "lasers")


@pytest.mark.parametrize("name", ["sam", "aud", "alice"])
def test_only_an_admin_sees_anything_by_acting(name: str) -> None:
    assert scope_of(Caller(name, False, "bob"), {}, RULES).clusters == {}


def test_accounts_below_others_end_in_a_circle() -> None:
    circle = [Account("a", "c"), Account("b", "a"), Account("c", "b")]
    assert below(["a"], circle) == {"a", "b", "c"}
    assert below(["", "d"], circle) == {"d"}


NAMES = st.sampled_from(["a", "b", "c", "d"])
SETS = st.frozensets(NAMES, max_size=2)
CLUSTERS = st.dictionaries(
    st.sampled_from(["alpha", "beta"]),
    st.builds(Rules, admins=SETS, staff=SETS, auditors=SETS, shares_rows=st.booleans()),
)
FOUND = st.dictionaries(
    st.sampled_from(["alpha", "beta", "gamma"]),
    st.builds(
        Associations,
        st.lists(st.builds(Account, NAMES, NAMES | st.just("")), max_size=4).map(tuple),
        st.lists(st.builds(Membership, NAMES, NAMES, st.booleans()), max_size=4).map(tuple),
    ),
)


@given(NAMES, NAMES | st.none(), FOUND, CLUSTERS, NAMES, NAMES)
def test_a_row_is_seen_only_for_a_reason(
    name: str,
    acting_for: str | None,
    found: Mapping[str, Associations],
    rules: Mapping[str, Rules],
    user: str,
    account: str,
) -> None:
    scope = scope_of(Caller(name, is_admin(name, rules), acting_for), found, rules)
    seen_as = acting_for or name
    for cluster in ("alpha", "beta", "gamma"):
        if not scope.sees(cluster, user, account):
            continue
        rule = rules[cluster]
        assert acting_for is None or name in rule.admins
        mine = [m for m in found.get(cluster, Associations()).memberships if m.user == seen_as]
        lists = rule.admins | rule.staff | rule.auditors
        led = any(m.is_coordinator for m in mine)
        member = rule.shares_rows and account in {m.account for m in mine}
        assert user == seen_as or seen_as in lists or led or member
