"""Input of the commands: resources in files, directories, or standard input."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.files import list_files, read_file, unreadable, without_files
from rackwatt_crds.loading import MAX_BYTES, Loaded, load_with_raw, notes
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.yamltext import decode_text
from rackwatt_operator.manifests.defaults import Defaults, defaults

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class InputDocument:
    """One resource: as it was read, and the result of validation."""

    raw: Mapping[str, Any]
    loaded: Loaded


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add what to read, and what it need not say."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="document file, or directory of them; - for standard input",
    )
    parser.add_argument(
        "--namespace",
        metavar="NS",
        type=namespace,
        default="default",
        help="namespace of documents without one (default: default)",
    )
    add_defaults(parser)


def add_defaults(parser: argparse.ArgumentParser) -> None:
    """Add what documents need not say."""
    parser.add_argument(
        "--defaults.file",
        dest="defaults",
        metavar="FILE",
        type=_defaults,
        default=Defaults(),
        help="defaults of documents, as in the chart's ConfigMap (default: none)",
    )


def namespace(text: str) -> str:
    """Read a namespace's name."""
    if not _NAMESPACE.match(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no namespace: lower-case letters, digits, -")
    return text


def given(files: Iterable[str], namespace: str) -> tuple[list[InputDocument], list[str]]:
    """Read and judge every document; also write what was passed over.

    What cannot be read is one with problems.
    """
    found = [one for name in files for one in _read(name, namespace)]
    passed_over = notes(one.loaded for one in found)
    found = [one for one in found if not one.loaded.note]
    first: dict[tuple[str, str, str], Loaded] = {}
    for index, one in enumerate(found):
        same = first.setdefault(one.loaded.key, one.loaded)
        if same is not one.loaded and one.loaded.name:
            problem = Problem("", f"duplicate: already defined in {same.origin}")
            problems = (*one.loaded.problems, problem)
            found[index] = replace(one, loaded=replace(one.loaded, problems=problems))
    return found, passed_over


def bindings(documents: Iterable[InputDocument], namespace: str) -> dict[str, SchedulerBindingSpec]:
    """List the SchedulerBindings of a namespace among the documents given."""
    judged = [one.loaded for one in documents if one.loaded.namespace == namespace]
    return {
        one.name: one.document.spec for one in judged if isinstance(one.document, SchedulerBinding)
    }


def _defaults(file: str) -> Defaults:
    try:
        text = decode_text(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{file}: {error}") from None
    found, problems = defaults(text)
    if found is None or problems:
        message = "\n".join(f"{file}: {problem}" for problem in problems)
        raise argparse.ArgumentTypeError(message)
    return found


def _read(name: str, namespace: str) -> Iterator[InputDocument]:
    for origin, text in _contents(name):
        if isinstance(text, Loaded):
            yield InputDocument({}, text)
            continue
        for raw, loaded in load_with_raw(text, origin):
            yield (
                _placed(raw, loaded, namespace)
                if isinstance(raw, dict)
                else InputDocument({}, loaded)
            )


def _contents(name: str) -> Iterator[tuple[str, bytes | Loaded]]:
    """Read the files of a name; what cannot be read is a Loaded that says so."""
    if name == "-":
        yield name, sys.stdin.buffer.read(MAX_BYTES + 1)
        return
    try:
        listed = list(list_files(Path(name)))
    except OSError as error:
        yield name, unreadable(name, error)
        return
    if not listed:
        yield name, without_files(name)
    for file in listed:
        try:
            yield str(file), read_file(file)
        except OSError as error:
            yield str(file), unreadable(str(file), error)


def _placed(raw: dict[str, Any], loaded: Loaded, namespace: str) -> InputDocument:
    """Put a document that names no namespace into the one it is meant for."""
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace") is not None:
        return InputDocument(raw, loaded)
    raw = raw | {"metadata": metadata | {"namespace": namespace}}
    document = loaded.document
    if document is not None:
        placed = msgspec.structs.replace(document.metadata, namespace=namespace)
        document = msgspec.structs.replace(document, metadata=placed)
    return InputDocument(raw, replace(loaded, namespace=namespace, document=document))
