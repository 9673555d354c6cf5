"""A rule of Prometheus: an alert that says what a person can do, or a series for dashboards."""

from dataclasses import dataclass
from typing import Any, Literal

_RUNBOOK = "docs/troubleshooting.md#alerts"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert. Its texts are templates of Prometheus; `runbook` says what to do first."""

    name: str
    expression: str
    lasting: str
    severity: Literal["warning", "critical"]
    summary: str
    description: str
    runbook: str

    def rule(self, labels: dict[str, str]) -> dict[str, Any]:
        """Write it as Prometheus reads it; `labels` say whose it is."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity} | labels,
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook": f"{self.runbook} ({_RUNBOOK})",
            },
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A series kept because dashboards would add it up again and again."""

    name: str
    expression: str

    def rule(self) -> dict[str, Any]:
        """Write it as Prometheus reads it."""
        return {"record": self.name, "expr": self.expression}
