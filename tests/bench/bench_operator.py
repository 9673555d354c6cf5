"""The operator on a real control plane: a thousand PowerTargets at once, edits, rest, a restart.

`python -m tests.bench.bench_operator`; the flags are for a smaller or longer try.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Sequence

from scripts.tools import directory
from tests.bench.bare_client import AT_ONCE
from tests.bench.operator_run import Applied, Bench, Edited, Rested, Run
from tests.bench.report import Figure, figures
from tests.cluster.controlplane import ControlPlane

RESIDENT_MIB = 150.0
_WHY = "the documents are created on the same cores meanwhile, and a watch reports every change"


def created(run: Run) -> list[Figure]:
    """Return the figures of creation with their budgets, beside those of a bare client."""
    ours, bare = run.created, run.bare
    rates = [one.applies / one.took_s for one in bare]
    both = " and ".join(f"{rate:.0f}" for rate in rates)
    bare_s = ours.applies / statistics.mean(rates)
    besides = ours.during.verbs - Counter(patch=ours.applies)
    return [
        Figure("all children applied", ours.took_s, "s", 60, note=f"{ours.applies:,} applies"),
        Figure("applies per second", ours.applies / ours.took_s),
        Figure("applies per second, bare client", ours.applies / bare_s, note=both),
        Figure("as long as the bare client", ours.took_s / bare_s, "×", 1.3, note=_WHY),
        Figure("processor for an apply", _cpu_ms([ours]), "ms", note=f"with {_by_verb(besides)}"),
        Figure("processor for an apply, bare client", _cpu_ms(bare), "ms"),
        Figure("the API server's for an apply", _server_ms([ours]), "ms"),
        Figure("the API server's for an apply, bare client", _server_ms(bare), "ms"),
        Figure("resident memory then", run.created_mib, "MiB", RESIDENT_MIB),
    ]


def edited(edits: Edited) -> list[Figure]:
    """Return the figures of edits with their budget."""
    count, during = len(edits.lags_s), edits.during
    return [
        Figure("edit until applied, p50", statistics.median(edits.lags_s), "s"),
        Figure("edit until applied, p99", _p99(edits.lags_s), "s", 2, note=f"{count} edits"),
        Figure("applies for an edit", len(during.applies) / count, "", 1),
        Figure("processor for an edit", 1000 * during.cpu_s / count, "ms"),
    ]


def rested(rest: Rested) -> list[Figure]:
    """Return the figures of an operator at rest with their budgets."""
    during, minutes = rest.during, rest.took_s / 60
    reads = [
        Figure(f"{verb}s a minute", count / minutes) for verb, count in sorted(during.verbs.items())
    ]
    return [
        Figure("writes, its Lease apart", during.writes, "", 0, note=f"in {minutes:.1f} minutes"),
        *reads,
        Figure("calls for its Lease a minute", during.renewals / minutes),
        Figure("processor, of one core", during.cpu_s / rest.took_s, "%"),
        Figure("resident memory", rest.resident_mib, "MiB", RESIDENT_MIB),
    ]


def restarted(run: Run) -> list[Figure]:
    """Return the figures of a restart with their budgets."""
    restart = run.restarted
    return [
        Figure("start until every document was looked at", restart.took_s, "s", 10),
        Figure(
            "writes", restart.during.writes, "", 0, note=f"calls: {_by_verb(restart.during.verbs)}"
        ),
        Figure("processor", restart.during.cpu_s, "s"),
        Figure("resident memory", run.restarted_mib, "MiB", RESIDENT_MIB),
        Figure("resident memory at its most before", run.peak_mib, "MiB"),
    ]


def section(targets: int, run: Run) -> str:
    """Write the part of the page."""
    intro = (
        f"etcd, kube-apiserver and kube-controller-manager on this machine; {targets:,} PowerTargets:"
        " of ten, six small fleets, one in two shards, two of nodes and one of a grid. The bare client"
        f" does the same applies, {AT_ONCE} at a time, before and after that, and nothing else. Times"
        " are those of the API server's audit log."
    )
    parts = {
        "created at once, from the first document's creation to the last apply": created(run),
        "edited, one after the other": edited(run.edited),
        "at rest": rested(run.rested),
        "the operator restarted": restarted(run),
    }
    tables = [f"All {what}:\n\n{figures(rows)}\n" for what, rows in parts.items()]
    return "\n".join([f"## The operator\n\n{intro}\n", *tables])


def _cpu_ms(those: Sequence[Applied]) -> float:
    return 1000 * sum(one.during.cpu_s for one in those) / sum(one.applies for one in those)


def _server_ms(those: Sequence[Applied]) -> float:
    return 1000 * sum(one.during.server_cpu_s for one in those) / sum(one.applies for one in those)


def _by_verb(calls: Counter[str]) -> str:
    return ", ".join(f"{count:,} {verb}" for verb, count in sorted(calls.items())) or "none"


def _p99(ordered: Sequence[float]) -> float:
    return ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--rest", type=float, default=120, metavar="SECONDS")
    parser.add_argument("--quiet", type=float, default=2, metavar="SECONDS")
    arguments = parser.parse_args()
    with ControlPlane(directory()) as plane:
        run = Bench(plane, arguments.quiet).run(arguments.targets, arguments.edits, arguments.rest)
    print(section(arguments.targets, run))


if __name__ == "__main__":
    main()
