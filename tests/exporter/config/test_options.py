"""Defaults of methods, compared with the descriptions of their fields."""

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from msgspec import Meta

from rackwatt_crds.bmc.hosts import Access, Concurrency
from rackwatt_exporter.config.options import OPTIONS, Options


def description(model: type[Any], field: str) -> str:
    hint = get_type_hints(model, include_extras=True)[field]
    assert get_origin(hint) is Annotated
    found = [note.description for note in get_args(hint) if isinstance(note, Meta)]
    return found[-1] or ""


def defaults(setting: str) -> str:
    """Write the defaults of a setting: `128; ipmi and snmp 512`."""
    own: dict[float, list[str]] = {}
    for method, options in OPTIONS.items():
        own.setdefault(getattr(options, setting), []).append(method)
    usual = getattr(Options, setting)
    others = [f"{' and '.join(own[value])} {value:.0f}" for value in sorted(own) if value != usual]
    return f"Default: {usual:.0f}; {', '.join(others)}."


@pytest.mark.parametrize(
    ("model", "field", "setting"),
    [(Access, "max_watts", "max_watts"), (Concurrency, "per_credential", "credential_limit")],
)
def test_the_description_of_a_limit_has_the_default_of_every_method(
    model: type[Any], field: str, setting: str
) -> None:
    assert defaults(setting) in description(model, field)
