"""What every model of a document shares: immutable, strict, camelCase outside, snake_case inside.

`None` always means "not said". Defaults that an entry could override live with the reader of the
document, not here: a default written into the model could not be told from the user's own word.
"""

from typing import ClassVar

import msgspec

from rackwatt_crds.rules import Rule


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One object of a document, and what must hold between its fields: `decoding` checks that.

    One that is `MERGED_WHOLE` is written by one owner at a time: no two of server-side apply share
    its fields.
    """

    RULES: ClassVar[tuple[Rule, ...]] = ()
    MERGED_WHOLE: ClassVar[bool] = False
