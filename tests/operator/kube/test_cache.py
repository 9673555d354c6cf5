"""The cache of a cluster's objects, in any order of events."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import APPLIED_HASH, object_key, parse_object
from rackwatt_operator.kube.resources import ObjectKey
from tests.operator.kube_user import fleet

LAB = ObjectKey("PowerTarget", "centre", "lab")
SERVICE = ObjectKey("Service", "centre", "pt-lab")


def placed(manifest: dict[str, Any], version: int, uid: str = "u1", **more: Any) -> dict[str, Any]:
    metadata = manifest["metadata"] | {"resourceVersion": str(version), "uid": uid, "generation": 1}
    return manifest | {"metadata": metadata | more}


def document(version: int, hosts: str = "n1", **more: Any) -> dict[str, Any]:
    return placed(fleet("lab", "centre", hosts), version, **more)


def child(version: int, port: int = 1, uid: str = "c1", **more: Any) -> dict[str, Any]:
    owner = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "name": "lab",
        "uid": "u1",
        "controller": True,
    }
    manifest = {"metadata": {"name": "pt-lab", "namespace": "centre"}, "spec": {"port": port}}
    return placed(manifest, version, uid, ownerReferences=[owner], **more)


def note(observed: Cache, kind: str, raw: dict[str, Any]) -> frozenset[ObjectKey]:
    return observed.update(object_key(raw, kind), parse_object(raw, kind))


def test_the_cache_reports_changes_of_spec_and_not_of_status() -> None:
    observed = Cache()
    assert note(observed, "PowerTarget", document(1)) == {LAB}
    assert not note(observed, "PowerTarget", document(2) | {"status": {"watts": 3}})
    assert observed.status(LAB) == {"watts": 3}
    assert note(observed, "PowerTarget", document(3, "n2")) == {LAB}
    assert note(observed, "PowerTarget", document(4, "n2", deletionTimestamp="now")) == {LAB}


def test_the_cache_recognises_the_echo_of_a_write() -> None:
    observed = Cache()
    assert note(observed, "Service", child(5)) == {LAB}
    assert not note(observed, "Service", child(5))
    assert not note(observed, "Service", child(4, 2))
    assert observed.content(SERVICE)["spec"] == {"port": 1}


def test_the_cache_keeps_an_object_in_sync_until_it_changes() -> None:
    observed = Cache()
    note(observed, "Service", child(5))
    observed.objects[SERVICE].mark_in_sync("stamp")
    assert not note(observed, "Service", child(6))
    assert observed.objects[SERVICE].in_sync_hash == "stamp"
    assert note(observed, "Service", child(7, 2)) == {LAB}
    assert observed.objects[SERVICE].in_sync_hash == ""
    assert observed.content(SERVICE)["spec"] == {"port": 2}


def test_the_cache_forgets_the_in_sync_mark_of_a_recreated_child() -> None:
    observed = Cache()
    note(observed, "Service", child(5))
    observed.objects[SERVICE].mark_in_sync("stamp")
    assert note(observed, "Service", child(6, uid="c2")) == {LAB}
    assert observed.objects[SERVICE].in_sync_hash == ""


def test_the_cache_reports_a_claimed_object_to_the_claimant_despite_another_owner() -> None:
    observed = Cache()
    theirs = placed({"metadata": {"name": "pt-lab", "namespace": "centre"}}, 3, "x")
    assert not note(observed, "Service", theirs)
    observed.claim(LAB, [SERVICE])
    assert observed.remove(SERVICE, 4) == {LAB}
    observed.claim(LAB, [])
    assert not note(observed, "Service", theirs)


def test_the_cache_keeps_the_claim_of_another_when_one_is_released() -> None:
    observed = Cache()
    other = ObjectKey("PowerTarget", "centre", "other")
    observed.claim(LAB, [SERVICE])
    observed.claim(other, [SERVICE])
    observed.claim(LAB, [])
    theirs = placed({"metadata": {"name": "pt-lab", "namespace": "centre"}}, 3, "x")
    assert note(observed, "Service", theirs) == {other}


def test_the_cache_reports_a_binding_to_every_document_that_references_it() -> None:
    observed = Cache()
    one = fleet("one", "centre", schedulerRef={"name": "prod"})
    entry = {"hosts": [{"names": "n1", "schedulerRef": {"name": "prod"}}]}
    for number, manifest in enumerate(
        (one, fleet("two", "centre", bmc=entry), fleet("three", "centre"))
    ):
        note(observed, "PowerTarget", placed(manifest, number + 1, f"u{number}"))
    elsewhere = fleet("four", "elsewhere", schedulerRef={"name": "prod"})
    note(observed, "PowerTarget", placed(elsewhere, 9, "u9"))
    binding = placed({"metadata": {"name": "prod", "namespace": "centre"}, "spec": {}}, 10, "b")
    concerned = note(observed, "SchedulerBinding", binding)
    assert {name.name for name in concerned} == {"one", "two", "prod"}


def test_the_cache_reads_the_applied_hash_from_its_annotation() -> None:
    observed = Cache()
    note(observed, "Service", child(5, annotations={APPLIED_HASH: "abc"}))
    assert observed.objects[SERVICE].applied_hash == "abc"


EVENTS = st.permutations(range(1, 8))


@given(EVENTS)
def test_the_cache_keeps_the_newest_version_in_any_order_of_events(order: list[int]) -> None:
    observed = Cache()
    for version in order:
        note(observed, "Service", child(version, port=version))
    assert observed.objects[SERVICE].resource_version == 7
    assert observed.content(SERVICE)["spec"] == {"port": 7}
    assert observed.owned("u1") == {SERVICE}
    assert observed.newest == 7


@given(EVENTS, st.integers(0, 9))
def test_the_cache_removes_an_object_unless_a_newer_version_was_seen(
    order: list[int], at: int
) -> None:
    observed = Cache()
    for version in order:
        note(observed, "Service", child(version, port=version))
    observed.remove(SERVICE, at)
    assert (SERVICE in observed.objects) == (at < 7)
    assert bool(observed.owned("u1")) == (at < 7)


WORDS = st.lists(st.booleans(), min_size=1, max_size=8).flatmap(
    lambda there: st.tuples(st.just(there), st.permutations(range(len(there))))
)


@given(WORDS)
def test_the_cache_keeps_the_newest_of_creations_and_deletions_in_any_order(
    drawn: tuple[list[bool], list[int]],
) -> None:
    there, order = drawn
    observed = Cache()
    for place in order:
        if there[place]:
            note(observed, "Service", child(place + 1, uid=f"c{place}"))
        else:
            observed.remove(SERVICE, place + 1)
    assert (SERVICE in observed.objects) == there[-1]
    assert observed.owned("u1") == ({SERVICE} if there[-1] else set())


def test_the_cache_ignores_a_response_older_than_a_deletion() -> None:
    observed = Cache()
    note(observed, "PowerTarget", document(1))
    assert observed.remove(LAB, 3) == {LAB}
    assert not note(observed, "PowerTarget", document(2) | {"status": {"watts": 3}})
    assert list(observed.documents()) == []
    assert note(observed, "PowerTarget", document(4, uid="u2")) == {LAB}


def test_the_cache_keeps_a_tombstone_until_everything_was_listed_again() -> None:
    observed = Cache()
    observed.remove(SERVICE, 9)
    observed.rotate_tombstones()
    assert not observed.is_stale(SERVICE, 9)
    observed.rotate_tombstones()
    assert observed.is_stale(SERVICE, 9)


def test_the_cache_accepts_the_same_version_after_a_removal_without_a_deletion() -> None:
    observed = Cache()
    note(observed, "Service", child(5))
    observed.remove(SERVICE)
    assert note(observed, "Service", child(5)) == {LAB}
