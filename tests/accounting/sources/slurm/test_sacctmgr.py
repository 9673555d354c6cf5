import pytest

from rackwatt_accounting.model.associations import Account, Membership
from rackwatt_accounting.sources.slurm.sacctmgr import parse_associations
from rackwatt_exporter.reading import ReadError, Reason

ASSOCIATIONS = b"""alpha|root|||
alpha|root|root||
alpha|physics|||root
alpha|optics|||physics
alpha|optics|bob||
alpha|optics|alice|gpu|
alpha|optics|alice|batch|
"""
ACCOUNTS = b"""optics|alice,carol|lasers | and more
physics|carol|
root||default root account
elsewhere|dave|of another cluster
"""


def test_accounts_have_parents_and_descriptions() -> None:
    assert parse_associations(ASSOCIATIONS, ACCOUNTS).accounts == (
        Account("root", "", "default root account"),
        Account("physics", "root", ""),
        Account("optics", "physics", "lasers | and more"),
    )


def test_members_are_listed_once_and_coordinators_are_known_though_no_users() -> None:
    assert set(parse_associations(ASSOCIATIONS, ACCOUNTS).memberships) == {
        Membership("root", "root"),
        Membership("bob", "optics"),
        Membership("alice", "optics", is_coordinator=True),
        Membership("carol", "optics", is_coordinator=True),
        Membership("carol", "physics", is_coordinator=True),
    }


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", "lists no association"),
        (b"sacctmgr: error\n", "not what Slurm reports"),
        (ASSOCIATIONS + b"beta|root|root||\n", "2 clusters"),
        (b"alpha|optics|bob||\n", "PrivateData"),
    ],
)
def test_what_is_no_whole_list_of_one_cluster_is_an_error(output: bytes, words: str) -> None:
    with pytest.raises(ReadError, match=words) as raised:
        parse_associations(output, ACCOUNTS)
    assert raised.value.reason is Reason.BAD_REPLY
