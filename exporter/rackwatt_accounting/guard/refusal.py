"""Refusals of the guard, in the words of Prometheus's API: its clients read nothing else.

https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import msgspec
from aiohttp import web


class GuardError(Exception):
    """A query is refused; `kind` is the `errorType`. The message says what a user can do."""

    def __init__(
        self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST, kind: str = "bad_data"
    ) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def response(self) -> web.Response:
        """Return the response of Prometheus's API for it."""
        body = {"status": "error", "errorType": self.kind, "error": str(self)}
        return web.Response(
            status=self.status,
            body=msgspec.json.encode(body),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )


@contextmanager
def understood() -> Iterator[None]:
    """Refuse what the parser fails on within the block.

    Where its own code panics it raises what is no Exception, and would end a whole server.
    """
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise GuardError(f"the expression is not understood: {str(error)[:300]}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise GuardError("the expression is not understood") from None
