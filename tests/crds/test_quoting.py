"""No message of validation has a secret, whichever field a user writes one into."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.loading import parse_document
from rackwatt_crds.quoting import HIDDEN, may_hold_secret, shown, shown_key
from rackwatt_crds.validation import semantic_problems
from tests.crds.mistaken import SPECS

SECRET = "Sekret"
SPELLINGS = (
    "root:Sekret@slurm:6820",
    "HTTP://User:Sekret@host",
    "ftp://root:Sekret@host",
    "https:/root:Sekret@x",
    " http://root:Sekret@x",
    "http://h/x?token=Sekret",
    "http://h/x?Sekret",
    "http://h/#Sekret",
    "h/x?token=Sekret",
    "https://root:Sekret",
    "https://root:Sek%40ret@h:x",
    "user:Sekret@login1",
    "ssh://user:Sekret@login1",
    "a[1-2,user:Sekret@login1",
    "a[1,Sekret..4@h]",
)
SSH = {
    "cluster": "c",
    "slurm": {"ssh": {"host": "login1", "user": "slurm", "keySecretRef": {"name": "key"}}},
}
GATEWAY = {
    "cluster": "c",
    "slurm": {
        "rest": {
            "url": "http://slurm:6820",
            "headers": [{"name": "Authorization", "valueSecretRef": {"name": "a", "key": "b"}}],
        }
    },
}
ELSEWHERE = {
    "cluster": "c",
    "exporter": {"url": "http://power:9123", "credentials": {"secretRef": {"name": "a"}}},
}
DOCUMENTS = [
    *SPECS,
    *(("SchedulerBinding", spec) for spec in (SSH, GATEWAY, ELSEWHERE)),
]


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [place] if place else []
    for step, one in inner:
        below = (*place, step)
        found += places(one, below) if isinstance(one, (dict, list)) else [below]
    return found


def messages(kind: str, spec: Any) -> list[str]:
    """Return the problems of a document, with the paths."""
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "lab"},
        "spec": spec,
    }
    one = parse_document(raw, "x")
    found = [one.report(problem) for problem in one.problems]
    found += map(str, semantic_problems(one.partial) if one.partial else ())
    return found


def put(spec: Any, place: tuple[Any, ...], value: Any) -> Any:
    written = copy.deepcopy(spec)
    inner = written
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return written


CONTAINERS = ([SPELLINGS[0]], {SPELLINGS[0]: SPELLINGS[0]}, [{"password": SECRET}])


@pytest.mark.parametrize(("kind", "spec"), DOCUMENTS)
def test_no_field_of_any_document_repeats_a_secret(kind: str, spec: Any) -> None:
    for place in places(spec):
        for value in (*SPELLINGS, *CONTAINERS):
            for message in messages(kind, put(spec, place, value)):
                assert SECRET not in message, (place, value)


@pytest.mark.parametrize(
    "ref", [{"jwtKeySecretRef": SECRET}, {"tokenSecretRef": SECRET}, {"headers": [SECRET]}]
)
def test_a_secret_in_place_of_its_reference_is_not_repeated(ref: dict[str, Any]) -> None:
    rest = {"url": "http://slurm:6820", "user": "a", **ref}
    found = messages("SchedulerBinding", {"cluster": "c", "slurm": {"rest": rest}})
    assert found
    assert not any(SECRET in message for message in found)


def test_the_value_of_a_header_is_not_repeated() -> None:
    header = {"name": "Authorization", "value": f"Bearer {SECRET}\n"}
    rest = {"url": "http://slurm:6820", "headers": [header]}
    found = messages("SchedulerBinding", {"cluster": "c", "slurm": {"rest": rest}})
    assert found[0].endswith(f"headers[0].value: {HIDDEN} does not match. ASCII on one line.")


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("slurm.rest.url", {"slurm": {"rest": {"url": "root:Sekret@slurm:6820", "headers": []}}}),
        ("slurm.rest.url", {"slurm": {"rest": {"url": "http://h/x?a=Sekret", "headers": []}}}),
        ("slurm.ssh.host", {"slurm": {"ssh": {"host": "user:Sekret@login1"}}}),
        ("slurm.ssh.host", {"slurm": {"ssh": {"host": "login1:2222"}}}),
        ("slurm.ssh.host", {"slurm": {"ssh": {"host": "ssh://login1"}}}),
        ("pbs.ssh.host", {"pbs": {"ssh": {"host": "-oProxyCommand=x"}}}),
        ("gridengine.ssh.host", {"gridengine": {"ssh": {"host": "10.0.0.256"}}}),
        ("exporter.url", {"exporter": {"url": "power:9123"}}),
        ("kubernetes.url", {"kubernetes": {"url": "http://a:Sekret@b", "tokenSecretRef": {}}}),
        ("openstack.authURL", {"openstack": {"authURL": "HTTPS://a:Sekret@b"}}),
    ],
)
def test_a_url_or_host_that_is_none_is_refused_with_its_path(
    field: str, spec: dict[str, Any]
) -> None:
    found = messages("SchedulerBinding", {"cluster": "c", **spec})
    assert any(f"spec.{field}: " in message for message in found), found


@given(st.text(), st.text(alphabet="abc", min_size=8), st.sampled_from("@?"))
def test_no_text_before_an_at_sign_or_in_a_query_is_shown(
    before: str, secret: str, mark: str
) -> None:
    text = f"{before}{secret}@x" if mark == "@" else f"http://{before}?{secret}"
    assert may_hold_secret(text)
    assert shown(text) == shown_key(text) == HIDDEN
    assert secret not in shown([text])
    assert secret not in shown({text: text})


@pytest.mark.parametrize(
    "text", ["n[1-3]", "1.3.6.1", "30s", "slurm_(?!node", "http://[::1", "a=b"]
)
def test_a_text_without_user_or_query_is_shown(text: str) -> None:
    assert shown(text) == repr(text)


@pytest.mark.parametrize("user", ["root:Sekret", ":Sekret", "Sekret:"])
def test_a_password_after_the_user_of_ssh_is_refused_and_not_repeated(user: str) -> None:
    bmc = {"method": "ipmiSsh", "ipmiSsh": {"user": user}, "hosts": [{"names": "n1"}]}
    slurm = {"cluster": "c", "slurm": {"ssh": {"host": "login", "user": user}}}
    for kind, spec in (("PowerTarget", {"bmc": bmc}), ("SchedulerBinding", slurm)):
        found = [said for said in messages(kind, spec) if ".user" in said]
        assert found
        assert "Sekret" not in " ".join(messages(kind, spec))
