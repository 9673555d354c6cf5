import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.recording.redaction import Redactor

secrets = st.lists(st.text(min_size=4, max_size=20), min_size=1, max_size=4)
words = st.text(max_size=12)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


def strings(document: Any) -> list[str]:
    if isinstance(document, str):
        return [document]
    if isinstance(document, list):
        return [each for one in document for each in strings(one)]
    if isinstance(document, dict):
        return [*map(str, document), *strings(list(document.values()))]
    return []


@given(secrets, documents, st.data())
def test_no_secret_is_left_in_any_key_or_value(
    hidden: list[str], document: Any, data: st.DataObject
) -> None:
    redactor = Redactor()
    for secret in hidden:
        redactor.remove(secret)
    before, secret, after = data.draw(words), data.draw(st.sampled_from(hidden)), data.draw(words)
    whole = {"a": document, before + secret + after: [secret, before + secret + after]}
    redactor.learn(whole)
    redacted = strings(redactor.document(whole))
    assert not any(secret in text for secret in hidden for text in redacted)


@given(secrets, documents)
def test_a_document_without_a_secret_is_unchanged(hidden: list[str], document: Any) -> None:
    redactor = Redactor()
    for secret in hidden:
        redactor.remove(f"\x00{secret}\x00")
    plain = {"PowerControl": [{"PowerConsumedWatts": 344, "Name": "System Power Control"}]}
    assert redactor.document(plain) == plain


@given(st.uuids(), st.binary(min_size=6, max_size=6), words)
def test_identifying_numbers_are_redacted(uuid: Any, mac: bytes, around: str) -> None:
    address = mac.hex(":")
    text = f"{around} {uuid} {address} {str(uuid).upper()}"
    redacted = Redactor().text(text)
    assert str(uuid) not in redacted.lower() or uuid.int < 2**40
    assert address not in redacted or not any(mac)


@pytest.mark.parametrize(
    "name",
    ["SerialNumber", "UUID", "HostName", "AssetTag", "ServiceTag", "SKU", "MACAddress", "IPv4Addresses",
     "FQDN", "UserName", "Password", "ChassisServiceTag", "ExpressServiceCode", "NodeID", "EmailAddress"],
)  # fmt: skip
def test_an_identifying_property_is_redacted_wherever_its_value_occurs(name: str) -> None:
    redactor = Redactor()
    document = {
        "Oem": {name: "7QX2ZW3"},
        "Id": "7QX2ZW3",
        "@odata.id": "/redfish/v1/Chassis/7QX2ZW3",
        "Model": "PowerEdge 7QX2ZW33",
        "Power": 344.5,
    }
    redactor.learn(document)
    redacted = redactor.document(document)
    assert json.dumps(redacted).count("7QX2ZW3") == 1  # within a longer word it is another word
    assert redacted["Id"] == redacted["@odata.id"].rpartition("/")[2]
    assert redacted["Power"] == 344.5


def test_names_get_the_same_placeholder_and_paths_still_lead_somewhere() -> None:
    redactor = Redactor()
    redactor.replace("cn042", "node1")
    redactor.replace("10.1.2.3", "node1.example")
    uuid = "27946b59-9e44-4fa7-8e91-f3527a1ef094"
    redacted = redactor.document(
        {"/redfish/v1/Systems/" + uuid: {"Id": uuid}, "Name": "cn042-bmc (10.1.2.3), not cn0421"}
    )
    assert redacted["Name"] == "node1-bmc (node1.example), not cn0421"
    (path,) = [key for key in redacted if key.startswith("/")]
    assert path == "/redfish/v1/Systems/" + redacted[path]["Id"]
    assert redactor.text(uuid) == "00000000-0000-0000-0000-000000000001"


def test_bytes_with_a_secret_in_them_are_emptied() -> None:
    redactor = Redactor()
    redactor.remove("calvin00")
    assert redactor.octets(b"\x01calvin00\x02") == b""
    assert redactor.octets(b"\xdc\x58\x01") == b"\xdc\x58\x01"
