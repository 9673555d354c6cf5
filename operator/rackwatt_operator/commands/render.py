"""`rackwatt-operator render`: print the manifests of resources, as the operator applies them.

For review, for air-gapped clusters, and for those who let another tool apply: all or nothing, so
that half a fleet is never taken for the whole.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from rackwatt_crds.decoding import Problem
from rackwatt_operator.commands.input_files import (
    InputDocument,
    add_files,
    bindings,
    given,
)
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.params import MONITORING, BuildFailure, Facts, Manifest


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "render",
        help="print the manifests of documents without a cluster",
        epilog="exit status: 0 printed, 1 a document is wrong and nothing was printed",
    )
    add_files(parser)
    parser.add_argument(
        "--without-monitoring",
        action="store_true",
        help="render for a cluster without Prometheus Operator",
    )
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Render, and print."""
    defaults: Defaults = arguments.defaults
    documents, passed_over = given(arguments.files, arguments.namespace)
    kinds = frozenset[str]() if arguments.without_monitoring else MONITORING
    manifests: list[Manifest] = []
    problems = [one.loaded.report(it) for one in documents for it in one.loaded.problems]
    for one, made in _planned(documents, kinds, defaults):
        if isinstance(made, BuildFailure):
            problems.append(one.loaded.report(Problem("", str(made))))
        else:
            manifests += made
    for note in passed_over:
        print(f"note: {note}", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        yaml.dump_all(
            manifests, sys.stdout, Dumper=Dumper, sort_keys=False, width=10_000,
            allow_unicode=True, explicit_start=True,
        )  # fmt: skip
    return int(bool(problems))


def _planned(
    documents: list[InputDocument], monitoring: frozenset[str], defaults: Defaults
) -> Iterator[tuple[InputDocument, list[Manifest] | BuildFailure]]:
    for one in documents:
        if one.loaded.document is not None:
            facts = Facts(monitoring, bindings(documents, one.loaded.namespace))
            yield one, plan(one.raw, one.loaded.document, facts, defaults)


class Dumper(yaml.SafeDumper):
    """YAML without anchors, and with lines where there are lines."""

    def ignore_aliases(self, _: Any) -> bool:
        """Write an object that occurs twice twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


Dumper.add_representer(str, _text)
