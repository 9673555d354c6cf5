import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.bmc.expansion import is_invalid_name
from rackwatt_crds.endpoints import address_problem
from rackwatt_crds.hostlist import expand


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "fe80::1", "fe80::1%eth0", "bmc", "a_b.example.", "n1-bmc", "2001:db8::1"],
)
def test_a_host_name_or_an_ip_address_is_an_address(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("10.0.0.256", "neither a host name nor an IP address"),
        ("10.0.0", "neither a host name nor an IP address"),
        ("010.0.0.1", "neither a host name nor an IP address"),
        ("10.0.0.1/24", "neither a host name nor an IP address"),
        ("10.0.0.1:623", "a port has a field of its own, `port`"),
        ("bmc:623", "a port has a field of its own, `port`"),
        ("[fe80::1]", "neither a host name nor an IP address"),
        ("fe80::12345", "neither a host name nor an IP address"),
        ("a..b", "neither a host name nor an IP address"),
        ("https://bmc/", "write the host alone"),
        ("-oProxyCommand", "neither a host name nor an IP address"),
        ("bmc?token=secret", "write the host alone"),
        ("", "neither a host name nor an IP address"),
        ("admin:secret@bmc", "write the host alone"),
    ],
)
def test_an_invalid_address_is_rejected_with_advice(address: str, advice: str) -> None:
    problem = address_problem(address)
    assert problem is not None
    assert advice in problem
    assert "secret" not in problem


@given(st.ip_addresses())
def test_any_ip_address_is_an_address(address: ipaddress.IPv4Address) -> None:
    assert address_problem(str(address)) is None


@given(st.text())
def test_any_text_is_an_address_or_a_problem_that_can_be_printed(text: str) -> None:
    problem = address_problem(text)
    assert problem is None or problem.isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "n1 n2",
        "n1\nn2",
        "n{1..3}",
        "“n1”",
        "n1;n2",
        "n\N{ZERO WIDTH SPACE}1",
        "$n",
        "n*",
        "n\0",
        "root@n",
    ],
)
def test_a_name_that_no_scheduler_has_is_strange(name: str) -> None:
    assert is_invalid_name(name)


@pytest.mark.parametrize(
    "name", ["n1", "N1", "r1_n-1.example", "pdu/1", "2001:db8::1", "x3000c0s1"]
)
def test_a_name_that_a_machine_may_have_is_not_strange(name: str) -> None:
    assert not is_invalid_name(name)


@pytest.mark.parametrize(
    "text", ["n[1:3]", "n[1..3]", "n[1...3]", "n[1 - 3]", "n[1–3]", "n[1 to 3]"]
)
def test_text_like_a_range_is_rejected_with_the_correct_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not a range: write 1-3"):
        expand(text)


def test_a_comma_too_many_is_named() -> None:
    for text in ("n1,n2,", ",n1", "n1,,n2"):
        with pytest.raises(ValueError, match="has an empty name: remove the extra comma"):
            expand(text)
