"""`rackwatt-operator render`: print what belongs to documents, as the operator would apply it."""

import argparse
import sys
from pathlib import Path

import yaml

from rackwatt_crds.loading import load
from rackwatt_operator.plan.defaults import Defaults
from rackwatt_operator.plan.facts import Facts
from rackwatt_operator.plan.plan import plan
from rackwatt_operator.plan.refused import Refused


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser("render", help="print the manifests of documents")
    parser.add_argument("files", metavar="FILE", type=Path, nargs="+")
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Render, and print."""
    for file in arguments.files:
        for one in load(file.read_bytes(), str(file)):
            for problem in one.problems:
                print(f"{one}: {problem}", file=sys.stderr)
            if one.document is not None:
                made = plan({}, one.document, Facts(), Defaults())
                if isinstance(made, Refused):
                    print(f"{one}: {made}", file=sys.stderr)
                    return 1
                print(yaml.safe_dump_all(made, sort_keys=False))
    return 0
