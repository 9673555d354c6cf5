"""Rules of Prometheus: alerts that say what to do, and recorded series for dashboards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_RUNBOOK = "docs/troubleshooting.md#alerts"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert. Its texts are templates of Prometheus; `runbook` says what to do first."""

    name: str
    expression: str
    for_: str
    severity: Literal["warning", "critical"]
    summary: str
    description: str
    runbook: str

    def rule(self, labels: dict[str, str]) -> dict[str, Any]:
        """Return the rule in Prometheus' format; `labels` name the resource."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.for_,
            "labels": {"severity": self.severity} | labels,
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook": f"{self.runbook} ({_RUNBOOK})",
            },
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A recorded series, which dashboards would compute again and again."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def rule(self) -> dict[str, Any]:
        """Return the rule in Prometheus' format."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.name, "expr": self.expression} | labels
