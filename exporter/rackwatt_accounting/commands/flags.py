"""Flags that all commands have, and what they lead to: documents resolved, a database opened."""

import argparse
import sys
from pathlib import Path

from rackwatt_accounting.config.accounting import AccountingConfig
from rackwatt_accounting.config.documents import Resolved, resolve_documents
from rackwatt_accounting.storage.database import Database, StorageError, database_url
from rackwatt_exporter.commands.flags import add_secrets
from rackwatt_exporter.config.files import load_documents
from rackwatt_exporter.config.secrets import Secrets

DEFAULT_STORAGE = "sqlite:////var/lib/rackwatt/accounting.db"


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the documents and the directory of Secrets."""
    parser.add_argument(
        "--config.file",
        dest="config_files",
        metavar="PATH",
        type=Path,
        action="append",
        help="document file, or directory of them; repeatable (default: /etc/rackwatt)",
    )
    add_secrets(parser)


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add the database."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--storage",
        metavar="URL",
        default=DEFAULT_STORAGE,
        help="database: sqlite:///FILE or postgresql://USER@HOST/NAME (default: %(default)s)",
    )
    group.add_argument(
        "--storage.file",
        dest="storage_file",
        metavar="PATH",
        type=Path,
        help="file with the URL of the database, where that has a password",
    )


def resolved(arguments: argparse.Namespace) -> Resolved:
    """Load and resolve the documents, and print every problem and note to stderr."""
    found = resolve_documents(load_documents(arguments.config_files or [Path("/etc/rackwatt")]))
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    for name, config in found.accounting.items():
        for unused in _unused(config):
            print(f"note: {name}: spec.accounting.{unused}: nothing uses it yet", file=sys.stderr)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return found


def _unused(config: AccountingConfig) -> list[str]:
    """Return the fields that a document has and that nothing applies (docs/accounting.md)."""
    given = {
        "tariffs": config.tariffs,
        "carbon": config.carbon,
        "budgets": config.budgets,
        "notify": config.webhook or config.mail,
    }
    return [name for name, value in given.items() if value]


def secrets(arguments: argparse.Namespace) -> Secrets:
    """Return the directory of Secrets."""
    return Secrets(arguments.secrets_directory)


def database(arguments: argparse.Namespace) -> Database:
    """Return the database that the flags name; nothing is open yet.

    Raises:
        StorageError: the URL cannot be used, or its file cannot be read.
    """
    text = arguments.storage
    if arguments.storage_file is not None:
        try:
            text = arguments.storage_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"--storage.file: {error}") from None
    elif "@" in text and ":" in text.partition("://")[2].partition("@")[0]:
        raise StorageError("a URL with a password belongs into --storage.file: any user sees flags")
    return Database(database_url(text))
