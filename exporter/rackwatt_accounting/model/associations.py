"""Who belongs to what: the accounts of a scheduler, their users, and who coordinates them."""

import msgspec


class Membership(msgspec.Struct, frozen=True, gc=False):
    """One user of one account; a coordinator sees the records of the whole account."""

    user: str
    account: str
    is_coordinator: bool = False


class Account(msgspec.Struct, frozen=True, gc=False):
    """One account, below its `parent`; the root has none."""

    name: str
    parent: str = ""
    description: str = ""


class Associations(msgspec.Struct, frozen=True):
    """The accounts of one cluster, and who is in them."""

    accounts: tuple[Account, ...] = ()
    memberships: tuple[Membership, ...] = ()
