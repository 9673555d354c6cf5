"""The client's side of the API: pages of units, one after the other, and errors in plain words."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpx

_TIMEOUT_S = 60.0
_PAGE = 1000


class ApiError(Exception):
    """The server did not answer, or refused; the message says which."""


class AccountingClient:
    """A client of one server; `headers` say who asks."""

    def __init__(self, url: str, headers: dict[str, str], verify: str | bool = True) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"), headers=headers, timeout=_TIMEOUT_S, verify=verify
        )

    def units(self, query: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """Yield units, the newest first; raises ApiError."""
        url: str | httpx.URL = "/api/v2/units"
        parameters: Sequence[tuple[str, str]] | None = [*query, ("limit", str(_PAGE))]
        while url:
            response = self._get(url, parameters)
            yield from response.json()
            url, parameters = response.links.get("next", {}).get("url", ""), None

    def usage(self, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return rows of usage; raises ApiError."""
        rows: list[dict[str, Any]] = self._get("/api/v2/usage", query).json()
        return rows

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _get(self, url: str | httpx.URL, query: Sequence[tuple[str, str]] | None) -> httpx.Response:
        headers = {"Accept": "application/json"}
        try:
            if query is None:  # a link has its own
                response = self._client.get(url, headers=headers)
            else:
                response = self._client.get(url, params=list(query), headers=headers)
        except httpx.HTTPError as error:
            raise ApiError(f"{self._client.base_url}: {error}") from None
        if response.status_code != httpx.codes.OK:
            raise ApiError(_detail(response))
        return response


def _detail(response: httpx.Response) -> str:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.reason_phrase
    return f"the server refuses: {detail} (status {response.status_code})"
