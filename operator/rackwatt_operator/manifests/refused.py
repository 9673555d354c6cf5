"""A plan that cannot be made, although the document is valid."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """Why nothing is planned: a CamelCase reason for a condition, and what a person can do."""

    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
