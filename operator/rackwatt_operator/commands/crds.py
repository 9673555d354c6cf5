"""`rackwatt-operator crds`: print the CustomResourceDefinitions that this version serves."""

import argparse
import sys

from rackwatt_crds.crd import text


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "crds",
        help="print the CRDs",
        epilog="rackwatt-operator crds | kubectl apply --server-side --filename -",
    )
    parser.set_defaults(command=command)


def command(_: argparse.Namespace) -> int:
    """Print them."""
    sys.stdout.write(text())
    return 0
