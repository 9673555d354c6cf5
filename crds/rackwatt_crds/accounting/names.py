"""Names of users and accounts, as the scheduler and the identity provider write them."""

from typing import Annotated

from msgspec import Meta

_PATTERN = r"^[^\x00-\x1f\x7f]+\Z"

UserName = Annotated[
    str,
    Meta(pattern=_PATTERN, max_length=256, description="A user name, such as `ada`."),
]
AccountName = Annotated[
    str,
    Meta(pattern=_PATTERN, max_length=256, description="An account, such as `physics`."),
]
UserNames = Annotated[
    list[UserName],
    Meta(max_length=1_000, extra_json_schema={"x-kubernetes-list-type": "set"}),
]
Address = Annotated[
    str,
    Meta(
        pattern=r"^[!-?A-~]+@[!-?A-~]+\Z",
        max_length=254,
        description="An e-mail address, such as `ada@example.org`.",
    ),
]
