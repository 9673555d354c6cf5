"""Base class of all models: immutable, strict, camelCase in documents, snake_case in Python.

`None` always means "not given". Defaults that a host entry may override are in the exporter's
configuration, not here: a default in the model could not be distinguished from the user's value.
"""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

import msgspec

from rackwatt_crds.rules import Rule, camel, exactly_one

F = TypeVar("F", bound=str)


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=camel):
    """One object of a document, and the rules between its fields, which `decoding` checks.

    `ATOMIC` is `x-kubernetes-map-type: atomic`: one field manager of server-side apply owns all
    of its fields. `CONFIDENTIAL` is set where people write a secret itself in place of the object:
    no message quotes what they wrote.
    """

    RULES: ClassVar[tuple[Rule, ...]] = ()
    ATOMIC: ClassVar[bool] = False
    CONFIDENTIAL: ClassVar[bool] = False


def only(model: Model, fields: Sequence[F]) -> F:
    """Return the one of these fields that a model gives.

    Raises:
        ValueError: the model gives none of them, or several.
    """
    if violation := exactly_one(*fields).violation(model):
        raise ValueError(violation)
    return next(field for field in fields if getattr(model, field) is not None)
