"""`rackwatt-operator check`: validate resources, and explain the privileges of their pods."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

from rackwatt_crds.bmc.expansion import expand_hosts, method, valid_entries
from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import Document, PowerTarget, SchedulerBinding
from rackwatt_crds.status import method_of, scheduler_of
from rackwatt_crds.tracing import DEFAULT_PATH
from rackwatt_crds.validation import semantic_problems
from rackwatt_crds.wording import counted
from rackwatt_operator.commands.input_files import (
    InputDocument,
    add_files,
    bindings,
    given,
)
from rackwatt_operator.commands.lint import warnings
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.api_token import reads_api
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.egress import namespaces, needed_ports
from rackwatt_operator.manifests.params import BuildFailure, Facts, Manifest, Params
from rackwatt_operator.manifests.privileges import privileges
from rackwatt_operator.manifests.service import ACCOUNTING_PORT, PORT
from rackwatt_operator.manifests.web import read_with, scheme


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "check",
        help="validate documents, and explain what their pods require",
        epilog="exit status: 0 all right, warnings or not; 1 a document is wrong",
    )
    add_files(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Check, and print the result."""
    defaults: Defaults = arguments.defaults
    documents, passed_over = given(arguments.files, arguments.namespace)
    wrong = [problem for one in documents for problem in _wrong(one, documents, defaults)]
    warned = list(warnings(documents))
    for one in documents:
        if one.loaded.document is not None:
            print(
                "\n".join(_explanation(one, one.loaded.document, documents, defaults)), end="\n\n"
            )
    for note in passed_over:
        print(f"note: {note}", file=sys.stderr)
    for warning in warned:
        print(f"warning: {warning}", file=sys.stderr)
    for problem in wrong:
        print(problem, file=sys.stderr)
    counts = (len(documents), "document"), (len(wrong), "problem"), (len(warned), "warning")
    print(", ".join(counted(*count) for count in counts))
    return int(bool(wrong))


def _wrong(one: InputDocument, documents: list[InputDocument], defaults: Defaults) -> Iterator[str]:
    for problem in one.loaded.problems:
        yield one.loaded.report(problem)
    if one.loaded.partial is not None:
        for problem in semantic_problems(one.loaded.partial):
            yield one.loaded.report(problem)
    if one.loaded.document is not None:
        made = plan(one.raw, one.loaded.document, _facts(one, documents), defaults)
        if isinstance(made, BuildFailure):
            yield one.loaded.report(Problem("", str(made)))


def _facts(one: InputDocument, documents: list[InputDocument]) -> Facts:
    return Facts(bindings=bindings(documents, one.loaded.namespace))


def _explanation(
    one: InputDocument, document: Document, documents: list[InputDocument], defaults: Defaults
) -> Iterator[str]:
    """Explain one resource: what it measures, its children, their privileges and the reasons."""
    yield f"{one.loaded.kind} {one.loaded.namespace}/{one.loaded.name}: {_measured(document)}"
    facts = _facts(one, documents)
    made = plan(one.raw, document, facts, defaults)
    if not isinstance(made, BuildFailure):
        yield from _made(made)
    params = Params(one.raw, document, facts, defaults)
    for secret in params.secrets:
        yield f"  reads    Secret {secret}"
    for secret in sorted(set(read_with(document.spec.web))):
        yield f"  reads    Secret {secret}, by Prometheus and the operator for the pages"
    if reads_api(document):
        yield (
            "  reads    nodes and pods of its cluster, as ServiceAccount "
            f"{params.base}: if rbac.kubernetesScheduler.namespaces of the chart has "
            f"{params.namespace}, the operator grants it that"
        )
    for protocol, port in needed_ports(document):
        yield f"  connects {protocol} {port}"
    for namespace in namespaces(document, one.loaded.namespace):
        yield f"  connects any pod of namespace {namespace}, for the Service that is named"
    if isinstance(document, SchedulerBinding):
        yield from _traced(document, params)
        yield from _accounted(document, params)
    yield from _explained(params)


def _traced(document: SchedulerBinding, params: Params) -> Iterator[str]:
    tracing = document.spec.tracing
    if tracing is not None and tracing.enabled:
        url = f"{params.scheme}://{params.base}.{params.namespace}.svc:{PORT}"
        yield f"  accepts  reports of jobs at {url}{tracing.path or DEFAULT_PATH}"


def _accounted(document: SchedulerBinding, params: Params) -> Iterator[str]:
    """Describe the pod of accounting, beside the collector's."""
    if params.accounting is None:
        return
    name = naming.accounting(params.base)
    url = f"{scheme(params.accounting.web)}://{name}.{params.namespace}.svc:{ACCOUNTING_PORT}"
    yield f"  accounts for its jobs, and serves them at {url}"
    for secret in params.secrets_of_accounting:
        yield f"    reads    Secret {secret}"
    for protocol, port in needed_ports(document, of_accounting=True):
        yield f"    connects {protocol} {port}"
    for namespace in namespaces(document, params.namespace, of_accounting=True):
        yield f"    connects any pod of namespace {namespace}, for the Service that is named"


def _made(manifests: list[Manifest]) -> Iterator[str]:
    """Yield the children, one line per kind."""
    names: dict[str, list[str]] = {}
    for manifest in manifests:
        names.setdefault(manifest["kind"], []).append(manifest["metadata"]["name"])
    for kind, (first, *others) in names.items():
        more = f" to {others[-1]}" if len(others) > 1 else f", {others[0]}" if others else ""
        yield f"  creates  {kind} {first}{more}"


def _measured(document: Document) -> str:
    if not isinstance(document, PowerTarget):
        spec = document.spec
        lustre = ", and their jobs' I/O on Lustre, from Prometheus" if spec.lustre else ""
        return f"the node states of cluster {spec.cluster}, from {scheduler_of(spec)}{lustre}"
    if document.spec.node is not None:
        return f"each node from inside, by {method_of(document.spec).replace(',', ', ')}"
    if document.spec.grid is not None:
        return f"the carbon intensity of {document.spec.grid.zone}, from {method_of(document.spec)}"
    counts = _targets(document)
    methods = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f"{counted(counts.total(), 'target')} ({methods})"


def _targets(document: PowerTarget) -> Counter[str]:
    counts: Counter[str] = Counter()
    if bmc := document.spec.bmc:
        for entry in valid_entries(bmc):
            counts[method(bmc, entry)] += len(expand_hosts(bmc, entry).names)
    return counts


def _explained(params: Params) -> Iterator[str]:
    needed = privileges(params.document, params.pod)
    yield f"  admitted at Pod Security level {needed.level}"
    for one in needed.named:
        yield f"    {one.level}: {one.what} ({one.why})"
    if needed.level == "privileged":
        label = "pod-security.kubernetes.io/enforce=privileged"
        yield f"    kubectl label namespace {params.namespace} {label}"
