"""What members of an account may see of one another."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model


class Privacy(Model, frozen=True, kw_only=True):
    """What users may see beside their own rows."""

    members: Annotated[
        Literal["own", "all"] | None,
        Meta(
            description="Which rows of an account its members see: their `own`, or those of `all` "
            "members. Coordinators of an account see all of it in any case. Default: own."
        ),
    ] = None
