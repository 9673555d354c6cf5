"""Command line of `rackwatt-acct`: jobs with their energy, as sacct's users expect them.

The server is that of `--url` or RACKWATT_ACCOUNTING_URL; a token is read from a file, since any
user of the machine sees arguments.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rackwatt_accounting import __version__
from rackwatt_accounting.client.api import AccountingClient, ApiError
from rackwatt_accounting.client.fields import DEFAULT, FIELDS, Field, parse_format
from rackwatt_accounting.client.times import parse_time

URL_VARIABLE, TOKEN_VARIABLE = "RACKWATT_ACCOUNTING_URL", "RACKWATT_ACCOUNTING_TOKEN_FILE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print jobs; return the exit status."""
    parsed = _parser().parse_args(arguments)
    if parsed.helpformat:
        print("\n".join(field.name for field in FIELDS.values()))
        return 0
    try:
        fields = parse_format(parsed.format)
        query = _query(parsed)
        client = AccountingClient(_url(parsed), _headers(parsed), parsed.ca_file or True)
    except (ValueError, OSError) as error:
        print(f"rackwatt-acct: {error}", file=sys.stderr)
        return 2
    try:
        _print(parsed, fields, client.units(query))
    except ApiError as error:
        print(f"rackwatt-acct: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # a pager that was left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        client.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rackwatt-acct", description="Print jobs with the energy that they used."
    )
    add = parser.add_argument
    add("-u", "--user", "--uid", metavar="NAME[,…]", help="jobs of these users")
    add("-A", "--account", "--accounts", metavar="NAME[,…]", help="jobs of these accounts")
    add("-r", "--partition", metavar="NAME[,…]", help="jobs of these partitions")
    add("-M", "--clusters", "--cluster", metavar="NAME[,…]", help="jobs of these clusters")
    add("-j", "--jobs", metavar="ID[,…]", help="these jobs, whenever they ran")
    add("-S", "--starttime", metavar="TIME", default="today", help="default: today")
    add("-E", "--endtime", metavar="TIME", default="now", help="default: now")
    add("-o", "--format", metavar="FIELD[%%WIDTH],…", default=DEFAULT, help="default: %(default)s")
    add("-e", "--helpformat", action="store_true", help="print the fields of --format")
    add("-n", "--noheader", action="store_true", help="print no header")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-P", "--parsable2", action="store_true", help="fields separated by |")
    form.add_argument("--csv", action="store_true", help="comma-separated values")
    form.add_argument("--json", action="store_true", help="all fields as JSON")
    add("--url", metavar="URL", help=f"of the server (default: ${URL_VARIABLE})")
    add(
        "--token-file", metavar="FILE", type=Path, help=f"bearer token (default: ${TOKEN_VARIABLE})"
    )
    add("--ca-file", metavar="FILE", help="authorities of the server's certificate")
    add("-V", "--version", action="version", version=f"rackwatt-acct {__version__}")
    return parser


def _url(parsed: argparse.Namespace) -> str:
    url: str = parsed.url or os.environ.get(URL_VARIABLE, "")
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"set --url or {URL_VARIABLE}, such as https://accounting.example:9124")
    return url


def _headers(parsed: argparse.Namespace) -> dict[str, str]:
    path = parsed.token_file or os.environ.get(TOKEN_VARIABLE)
    return {"Authorization": f"Bearer {Path(path).read_text().strip()}"} if path else {}


def _query(parsed: argparse.Namespace) -> list[tuple[str, str]]:
    now = datetime.now().astimezone()
    query = [
        ("from", str(int(parse_time(parsed.starttime, now).timestamp()))),
        ("to", str(int(parse_time(parsed.endtime, now).timestamp()))),
    ]
    filters = {
        "user": parsed.user,
        "account": parsed.account,
        "partition": parsed.partition,
        "cluster": parsed.clusters,
    }
    query += [
        ("filter", f"{dimension}:{name}")
        for dimension, names in filters.items()
        for name in filter(None, (names or "").split(","))
    ]
    return query + [("id", name) for name in filter(None, (parsed.jobs or "").split(","))]


def _print(
    parsed: argparse.Namespace, fields: list[Field], units: Iterator[dict[str, Any]]
) -> None:
    if parsed.json:
        print(json.dumps({"jobs": list(units)}, indent=2, ensure_ascii=False))
        return
    header = [] if parsed.noheader else [[field.name for field in fields]]
    rows = ([_harmless(field.text(unit)) for field in fields] for unit in units)
    if parsed.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(_both(header, rows))
    elif parsed.parsable2:
        for row in _both(header, rows):
            print("|".join(row))
    else:
        rule = [["-" * abs(field.width) for field in fields]] if header else []
        for row in _both([*header, *rule], rows):
            print(" ".join(_fitted(text, field) for text, field in zip(row, fields, strict=True)))


def _harmless(text: str) -> str:
    """Return a text without characters that would move the cursor, or end the line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _both(header: list[list[str]], rows: Iterable[list[str]]) -> Iterator[list[str]]:
    yield from header
    yield from rows


def _fitted(text: str, field: Field) -> str:
    """Return a text of exactly the field's width; sacct marks what it cuts with `+`."""
    width = abs(field.width)
    if len(text) > width:
        text = text[: width - 1] + "+"
    return text.ljust(width) if field.width < 0 else text.rjust(width)


if __name__ == "__main__":
    sys.exit(main())
