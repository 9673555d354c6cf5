"""What was heard, in order, for each thing that was asked."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ExchangeLog(Generic[K, V]):
    """Answers by question; and words heard on the way that must not be told."""

    def __init__(self) -> None:
        self.heard: dict[K, list[V]] = {}
        self.names: set[str] = set()
        self.secrets: set[str] = set()

    def note(self, question: K, answer: V) -> None:
        """Note an answer."""
        self.heard.setdefault(question, []).append(answer)

    def turns(self, question: K) -> list[V]:
        """Give the answers to a question in turn; one, where all were the same."""
        answers = self.heard[question]
        return answers[:1] if all(each == answers[0] for each in answers) else answers
