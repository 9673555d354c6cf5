"""What every model of a document shares: immutable, strict, camelCase outside, snake_case inside.

`None` always means "not said". Defaults that an entry could override live with the reader of the
document, not here: a default written into the model could not be told from the user's own word.
"""

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One object of a document; rules across fields are a `__post_init__` raising ValueError."""


def only_one(model: Model, *names: str) -> None:
    """Hold that exactly one of the named fields is given.

    Raises:
        ValueError: naming the choices, and which were given.
    """
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) == 1:
        return
    choices = ", ".join(camel(name) for name in names)
    found = " and ".join(camel(name) for name in given) or "none"
    raise ValueError(f"exactly one of {choices} must be given, found {found}")


def camel(name: str) -> str:
    """Spell a field's name as documents do."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
