"""Accepted: the document can be carried out as it is written, and all that it names is there."""

from collections.abc import Iterator

from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.told import MissingSecret


def accepted(found: Findings) -> Claim:
    """Claim it, or tell the first thing that is wrong."""
    for reason, message in _wrong(found):
        return Claim("Accepted", "False", reason, message)
    if found.paused:
        told = "spec.paused: nothing is made, changed or removed until it is false"
        return Claim("Accepted", "True", "Paused", told)
    return Claim("Accepted", "True", "Accepted", _right(found))


def _right(found: Findings) -> str:
    """Say no more than is known: without an answer nobody has looked at hosts and Secrets."""
    if found.told is not None and found.told.asked > found.told.silent:
        return "the document is valid, and all it names is there"
    return (
        "the document is valid as far as the operator sees; whether its entries and Secrets can be "
        "used, its collectors will tell"
    )


def _wrong(found: Findings) -> Iterator[tuple[str, str]]:
    problems = [str(problem) for problem in found.problems]
    if found.document is None:
        yield "Invalid", f"{listed(problems)}. What ran before goes on unchanged"
    if found.refused is not None:
        yield found.refused.reason, found.refused.message
    if problems:
        yield "PartlyInvalid", listed(problems)
    if found.missing:
        names = ", ".join(found.missing)
        yield (
            "BindingMissing",
            f"schedulerRef names SchedulerBinding {names}, which is not in this namespace: create "
            "it. Power is measured all the same, without node states",
        )
    if found.told is not None:
        if missing := found.told.secrets_missing:
            yield "SecretMissing", listed([_secret(one) for one in missing])
        if found.told.problems:
            yield "PartlyInvalid", listed([_place(problem) for problem in found.told.problems])


def _secret(missing: MissingSecret) -> str:
    first = f", first {missing.first}" if missing.first else ""
    return (
        f"Secret {missing.secret} is missing or has no key {missing.key}: create it, or add the "
        f"key; no restart is needed (wanted by {missing.wanted_by}{first})"
    )


def _place(problem: str) -> str:
    """Leave out the path of the file in the pod: people know the document."""
    _, found, told = problem.partition(": ")
    return told if found else problem
