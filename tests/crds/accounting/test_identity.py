"""The model of who asks: what it takes, and what it refuses with which words."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rackwatt_crds.accounting.identity import Identity, connections, problems
from rackwatt_crds.decoding import decode, examine
from rackwatt_crds.endpoints import Url
from rackwatt_crds.schema import schema

WHOLE: dict[str, Any] = {
    "grafana": {"url": "https://grafana.example"},
    "oidc": {"issuer": "https://id.example/realm", "audience": "rackwatt", "userClaim": "uid"},
    "clientCertificate": {},
    "trustedHeader": {
        "name": "X-Grafana-User",
        "from": ["127.0.0.0/8", "2001:db8::/32"],
        "secretRef": {"name": "proxy"},
    },
}


def refused(document: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in decode(document, Identity)[1]]


def test_an_identity_is_read_in_the_spelling_of_documents() -> None:
    identity, found = decode(WHOLE, Identity)
    assert found == []
    assert identity is not None
    assert identity.trusted_header is not None
    assert identity.trusted_header.from_ == ["127.0.0.0/8", "2001:db8::/32"]
    assert list(problems(identity)) == []
    assert list(connections(identity)) == [
        Url("grafana.url", "https://grafana.example"),
        Url("oidc.issuer", "https://id.example/realm"),
    ]


def test_an_identity_without_a_way_is_refused() -> None:
    assert refused({}) == [
        "at least one of grafana, oidc, clientCertificate, trustedHeader must be given, found none"
    ]


@pytest.mark.parametrize("name", ["Authorization", "X-Grafana-Id", "x-rackwatt-act-as", "Host"])
def test_a_trusted_header_is_none_that_another_way_reads(name: str) -> None:
    (one,) = refused({"trustedHeader": {"name": name, "from": ["10.0.0.0/8"]}})
    assert one.startswith("trustedHeader.name: name must be none of authorization")


def test_a_trusted_header_without_networks_is_refused() -> None:
    assert refused({"trustedHeader": {}}) == ["trustedHeader.from: is missing"]
    assert len(refused({"trustedHeader": {"from": []}})) == 1


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.256/32", "10.0.0.0/33", "any", "::/129", ""])
def test_a_network_that_is_none_is_refused_by_its_pattern(text: str) -> None:
    (one,) = refused({"trustedHeader": {"from": [text]}})
    assert one.startswith("trustedHeader.from[0]: ")


@pytest.mark.parametrize("text", ["10.0.0.1/8", ":::/64", "1:2:3/64", "2001:db8::1/32"])
def test_a_network_with_bits_of_hosts_is_a_problem_with_its_place(text: str) -> None:
    identity, found = decode({"trustedHeader": {"from": ["10.0.0.0/8", text]}}, Identity)
    assert found == []
    assert identity is not None
    ((field, reason),) = problems(identity)
    assert field == "trustedHeader.from[1]"
    assert reason.startswith(f"{text!r} is no network: ")


def test_problems_of_what_could_not_be_read_are_not_listed_twice() -> None:
    for document in ({"trustedHeader": 1}, {"trustedHeader": {"from": 1}},
                     {"trustedHeader": {"from": [1]}}):  # fmt: skip
        decoded = examine(document, Identity)
        assert decoded.partial is not None
        assert list(problems(decoded.partial)) == []


@given(st.from_regex(re.compile(r"[0-9a-f.:/]{1,20}"), fullmatch=True))
@example("0.0.0.0/0")
def test_a_network_that_passes_is_one_or_a_problem(text: str) -> None:
    identity, found = decode({"trustedHeader": {"from": [text]}}, Identity)
    assert (identity is None) == bool(found)
    if identity is not None:
        assert len(list(problems(identity))) <= 1


def test_the_schema_requires_what_the_model_does() -> None:
    made = schema(Identity)
    assert made["properties"]["trustedHeader"]["required"] == ["from"]
    assert made["properties"]["oidc"]["required"] == ["issuer", "audience", "userClaim"]
    (rule,) = made["x-kubernetes-validations"]
    assert rule["rule"].count("has(self.") == 4
