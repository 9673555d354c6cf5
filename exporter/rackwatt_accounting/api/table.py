"""Flat rows in the form that a client accepts: CSV, JSON or a line of JSON for each row.

Rows are written as they come, so that an answer of any size needs the memory of a few rows. Text
that a spreadsheet would take for a formula is text: it begins with an apostrophe in CSV.
"""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec
from aiohttp import web

from rackwatt_accounting.identity.problem import problem

Cell = str | int | float | None
_FLUSH = 64 * 1024
_NO_HEADERS: Mapping[str, str] = {}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Writer(Protocol):
    """How rows are written."""

    content_type: str

    def begin(self, columns: Sequence[str]) -> bytes:
        """Return what is before the first row."""
        ...

    def row(self, cells: Sequence[Cell]) -> bytes:
        """Return one row."""
        ...

    def end(self) -> bytes:
        """Return what is after the last row."""
        ...


class CsvWriter:
    """RFC 4180, with a header; an unknown value is empty."""

    content_type = "text/csv"

    def begin(self, columns: Sequence[str]) -> bytes:
        """Return the header."""
        return self._line(columns)

    def row(self, cells: Sequence[Cell]) -> bytes:
        """Return one line."""
        return self._line([_plain(cell) for cell in cells])

    def end(self) -> bytes:
        """Return nothing."""
        return b""

    def _line(self, cells: Sequence[Cell]) -> bytes:
        out = io.StringIO()
        csv.writer(out, lineterminator="\r\n").writerow(cells)
        return out.getvalue().encode()


class LinesWriter:
    """One JSON object in each line."""

    content_type = "application/x-ndjson"

    def __init__(self) -> None:
        self._columns: Sequence[str] = ()

    def begin(self, columns: Sequence[str]) -> bytes:
        """Keep the names of the columns."""
        self._columns = columns
        return b""

    def row(self, cells: Sequence[Cell]) -> bytes:
        """Return one object."""
        return msgspec.json.encode(dict(zip(self._columns, cells, strict=True))) + b"\n"

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class JsonWriter(LinesWriter):
    """One array of JSON objects, as Grafana's Infinity data source reads it."""

    content_type = "application/json"

    def __init__(self) -> None:
        super().__init__()
        self._separator = b"\n"

    def begin(self, columns: Sequence[str]) -> bytes:
        """Return the beginning of the array."""
        super().begin(columns)
        return b"["

    def row(self, cells: Sequence[Cell]) -> bytes:
        """Return one object, after a comma where it is not the first."""
        separator, self._separator = self._separator, b",\n"
        return separator + super().row(cells).rstrip()

    def end(self) -> bytes:
        """Return the end of the array."""
        return b"\n]\n"


_WRITERS: dict[str, type[Writer]] = {
    "text/csv": CsvWriter,
    "application/x-ndjson": LinesWriter,
    "application/json": JsonWriter,
}


def writer_for(request: web.Request) -> Writer | None:
    """Return the writer of the first type that the client accepts; JSON where it accepts any."""
    for accepted in request.headers.get("Accept", "*/*").split(","):
        name = accepted.partition(";")[0].strip().lower()
        if name in ("*/*", "application/*", ""):
            return JsonWriter()
        if name in _WRITERS:
            return _WRITERS[name]()
    return None


def not_acceptable() -> web.Response:
    """Make the refusal of a type that no writer has."""
    return problem(HTTPStatus.NOT_ACCEPTABLE, f"there is: {', '.join(_WRITERS)}")


async def stream(
    request: web.Request,
    writer: Writer,
    columns: Sequence[str],
    rows: AsyncIterator[Sequence[Cell]],
    headers: Mapping[str, str] = _NO_HEADERS,
) -> web.StreamResponse:
    """Respond with rows as they come."""
    response = web.StreamResponse(headers={"Cache-Control": "private, no-store", **headers})
    response.content_type = writer.content_type
    if writer.content_type == CsvWriter.content_type:
        response.charset = "utf-8"
    # The first row is read before the status is sent: what fails at once has a status of its own.
    first = await anext(rows, None)
    await response.prepare(request)
    waiting = bytearray(writer.begin(columns))
    if first is not None:
        waiting += writer.row(first)
    async for row in rows:
        waiting += writer.row(row)
        if len(waiting) > _FLUSH:
            await response.write(bytes(waiting))
            waiting.clear()
    await response.write(bytes(waiting) + writer.end())
    await response.write_eof()
    return response


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
