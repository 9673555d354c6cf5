"""Documents become the accounting of one process, or problems with their paths."""

import json
from pathlib import Path
from typing import Any

import pytest

from rackwatt_accounting.config.accounting import AccountingConfig, RetentionConfig
from rackwatt_accounting.config.documents import Resolved, resolve_documents
from rackwatt_crds.loading import load
from rackwatt_exporter.config.files import load_documents

EXAMPLES = Path(__file__).parents[3] / "docs/examples"


def binding(name: str, accounting: Any, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "SchedulerBinding",
        "metadata": {"name": name},
        "spec": {"cluster": name, "slurm": {"cli": {}}, "accounting": accounting, **spec},
    }


def resolved(*documents: Any, before: Resolved | None = None) -> Resolved:
    text = "\n---\n".join(map(json.dumps, documents)).encode()
    return resolve_documents(load(text, "x"), before.accounting if before else {})


def only(accounting: Any) -> AccountingConfig:
    found = resolved(binding("theta", accounting))
    assert found.problems == ()
    return found.accounting["theta"]


def test_an_empty_accounting_has_every_default() -> None:
    config = only({})
    assert (config.name, config.cluster, config.update_interval_s) == ("theta", "theta", 900)
    assert config.shared.zone == "UTC"
    assert config.shared.retention == RetentionConfig(365, 3650)
    assert not config.shared.rights.admins
    absent = (config.shared.identity, config.prometheus, config.mail, config.webhook)
    assert absent == (None, None, None, None)


def test_the_example_is_resolved_without_a_problem() -> None:
    found = resolve_documents(load_documents([EXAMPLES]))
    assert found.problems == ()
    (theta,) = found.accounting.values()
    assert found.shared.zone == "Europe/Berlin"
    assert found.shared.rights.admins == {"ada"}
    assert [tariff.name for tariff in theta.tariffs] == ["site", "site"]
    (budget,) = theta.budgets
    assert (budget.energy_mj, budget.gpu_s) == (12000 * 3_600_000_000, 4000 * 3600)
    assert theta.mail is not None
    assert (theta.mail.port, theta.mail.encryption) == (587, "starttls")


def test_documents_without_accounting_are_passed_over_with_their_mistakes() -> None:
    off = binding("a", {"enabled": False})
    without = {**binding("b", None), "spec": {"cluster": "b", "slurm": {"cli": {}, "rest": {}}}}
    target = {**binding("c", None), "kind": "PowerTarget", "spec": {"bmc": {"hosts": "x"}}}
    assert resolved(off, without, target) == Resolved()


def test_every_mistake_of_a_document_is_reported_and_another_is_served() -> None:
    bad = binding(
        "bad", {"timezone": "Mars/Base", "admins": 1, "prometheus": {"url": "http://a:0"}}
    )
    found = resolved(bad, binding("good", {}))
    assert list(found.accounting) == ["good"]
    paths = [problem.split(": ")[1] for problem in found.problems]
    assert sorted(paths) == [
        f"spec.accounting.{field}" for field in ("admins", "prometheus.url", "timezone")
    ]


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("timezone", "Europe/Berlin", "Europe/Paris"),
        ("retention", {"units": "1y"}, {"units": "2y"}),
        ("admins", ["ada"], ["ada", "grace"]),
        ("staff", ["ada"], []),
        ("auditors", None, ["ada"]),
        ("privacy", {"members": "all"}, {"members": "own"}),
        ("identity", {"clientCertificate": {}}, None),
    ],
)
def test_what_bindings_share_is_equal_or_a_problem_with_both_paths(
    field: str, one: Any, other: Any
) -> None:
    found = resolved(binding("a", {field: one}), binding("b", {field: other}))
    assert list(found.accounting) == ["a"]
    path = f"spec.accounting.{field}"
    (problem,) = found.problems
    assert problem.startswith(
        f"x SchedulerBinding b: {path}: differs from x SchedulerBinding a {path}"
    )
    assert resolved(binding("a", {field: one}), binding("b", {field: one})).problems == ()


def test_the_defaults_are_equal_to_what_says_them() -> None:
    said = {"timezone": "UTC", "retention": {"units": "1y", "daily": "10y"}, "admins": []}
    assert resolved(binding("a", said), binding("b", {})).problems == ()


def test_two_bindings_of_one_cluster_are_a_problem() -> None:
    found = resolved(binding("a", {}), binding("b", {}, cluster="a"), binding("a", {}))
    assert list(found.accounting) == ["a"]
    assert [problem.split(": ")[1] for problem in found.problems] == [
        "spec.cluster",
        "metadata.name",
    ]


def test_a_document_that_was_valid_before_keeps_its_accounting() -> None:
    before = resolved(binding("a", {"updateInterval": "1m"}), binding("b", {}), binding("c", {}))
    found = resolved(binding("a", {"updateInterval": "soon"}), binding("b", {}), before=before)
    assert list(found.accounting) == ["a", "b"]
    assert found.accounting["a"].update_interval_s == 60
    assert len(found.problems) == 1


def test_text_that_cannot_be_read_takes_no_accounting_away() -> None:
    before = resolved(binding("a", {}))
    found = resolve_documents(load(b"a: [", "x"), before.accounting)
    assert found.accounting == before.accounting
    assert len(found.problems) == 1
