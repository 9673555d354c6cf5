"""What every model of a document shares: immutable, strict, camelCase outside, snake_case inside.

`None` always means "not said". Defaults that an entry could override live with the reader of the
document, not here: a default written into the model could not be told from the user's own word.
"""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

import msgspec

from rackwatt_crds.rules import Rule, exactly_one

F = TypeVar("F", bound=str)


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One object of a document, and what must hold between its fields: `decoding` checks that.

    One that is `MERGED_WHOLE` is written by one owner at a time: no two of server-side apply share
    its fields.
    """

    RULES: ClassVar[tuple[Rule, ...]] = ()
    MERGED_WHOLE: ClassVar[bool] = False


def only(model: Model, fields: Sequence[F]) -> F:
    """Return which one of these fields a model gives.

    Raises:
        ValueError: it gives none of them, or several.
    """
    if broken := exactly_one(*fields).broken_by(model):
        raise ValueError(broken)
    return next(field for field in fields if getattr(model, field) is not None)
