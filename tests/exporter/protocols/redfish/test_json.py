"""JSON pointers in links (RFC 6901), against its examples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish.json import pointed

WITHIN: dict[str, Any] = {"named": 1}
DOCUMENT = {"list": [{"a": 1}, WITHIN], "a/b": WITHIN, "m~n": WITHIN, "": WITHIN, "%": WITHIN}


@pytest.mark.parametrize("pointer", ["", "/list"])
def test_a_pointer_to_a_list_or_to_nothing_in_particular_is_the_document(pointer: str) -> None:
    assert pointed(DOCUMENT, pointer) is DOCUMENT


@pytest.mark.parametrize(
    "pointer", ["/list/1", "/a~1b", "/m~0n", "/", "/%25", "/list/1/named", "/a~1b/named", "/a%7E1b"]
)
def test_a_pointer_leads_to_an_object_or_to_a_value_of_it(pointer: str) -> None:
    assert pointed(DOCUMENT, pointer) is WITHIN


@pytest.mark.parametrize(
    "pointer",
    ["list", "/list/2", "/list/-", "/list/-1", "/list/01", "/list/a", "/x", "/a/b", "/~01"],
)
def test_a_pointer_that_leads_nowhere_is_none(pointer: str) -> None:
    assert pointed(DOCUMENT, pointer) is None


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)


@given(JSON, st.text(alphabet="/~01%a-²", max_size=8) | st.text())
def test_any_pointer_leads_to_an_object_or_nowhere(document: Any, pointer: str) -> None:
    assert isinstance(pointed(document, pointer), dict | None)
