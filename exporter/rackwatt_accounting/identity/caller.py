"""Who asks: a name that one of the ways of identification vouches for.

The name is the user name of the scheduler. It is compared as it is: two names that only look alike
are two people.
"""

import msgspec
from aiohttp import web

_MAX_NAME = 256


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who asks, and in whose place.

    `method` is the way that vouches for the name, such as `oidc`. `acting_for` is the user whose
    rows an administrator wants to see as that user sees them.
    """

    name: str
    is_admin: bool = False
    acting_for: str | None = None
    method: str = ""

    @property
    def seen_as(self) -> str:
        """The user whose rows are shown."""
        return self.acting_for if self.acting_for is not None else self.name


CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Where the middleware puts the caller into a request."""


def name_problem(name: object) -> str | None:
    """Return why a text can be no user's name; None where it can.

    A comma joins the values of a header that came twice, so no name has one.
    """
    if not isinstance(name, str) or not name:
        return "it is empty, or no text"
    if len(name) > _MAX_NAME:
        return f"it is longer than {_MAX_NAME} characters"
    if not name.isprintable() or name != name.strip():
        return "it has characters that no name has, or blanks around it"
    return "it has a comma: it may be several values" if "," in name else None
