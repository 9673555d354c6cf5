"""Log of requests and their responses."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ExchangeLog(Generic[K, V]):
    """Responses by request, in order; and names and secrets in them, to be redacted."""

    def __init__(self) -> None:
        self.responses: dict[K, list[V]] = {}
        self.names: set[str] = set()
        self.secrets: set[str] = set()

    def add(self, request: K, response: V) -> None:
        """Append a response."""
        self.responses.setdefault(request, []).append(response)

    def distinct(self, request: K) -> list[V]:
        """Return the responses to a request in order; only one, where all are the same."""
        responses = self.responses[request]
        same = all(each == responses[0] for each in responses)
        return responses[:1] if same else responses
