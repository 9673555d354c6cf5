"""Traces of jobs: what a wrapper inside a job posts of its processes while they run."""

from typing import Annotated, Any

from msgspec import Meta

from rackwatt_crds.fields import Duration, SecretKeyRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule, min_duration

DEFAULT_PATH = "/trace"
PAGES = (
    "/", "/metrics", "/probe", "/targets", "/-/reload", "/status", "/healthz", "/readyz", "/plain",
    "/alloy-targets", "/node",
)  # fmt: skip
"""The exporter's own pages, whose paths no other page has."""
FOLDERS = ("/fleet/", "/node/", "/schedulers/")
"""Folders of pages of the exporter."""


def _taken(model: Any) -> str | None:
    path = model.path
    return path if path is not None and (path in PAGES or path.startswith(FOLDERS)) else None


_LISTED = ", ".join(f"'{page}'" for page in PAGES)
_BELOW = " || ".join(f"self.path.startsWith('{folder}')" for folder in FOLDERS)


class Tracing(Model, frozen=True, kw_only=True):
    """Reports of jobs about their own processes, which `rackwatt-trace` sends by HTTP POST."""

    enabled: Annotated[bool | None, Meta(description="Accept reports of jobs. Default: false.")] = (
        None
    )
    path: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^/[A-Za-z0-9._~/-]*\Z",
                max_length=200,
                description="Such as `/trace`: letters, digits, `-`, `.`, `_`, `~` and `/`.",
            ),
        ]
        | None,
        Meta(
            description="Path of the exporter's web server that accepts reports and shows them. "
            "Default: /trace."
        ),
    ] = None
    stale_after: Annotated[
        Duration | None,
        Meta(
            description="Age at which the report of a process is removed. It should be at least "
            "twice the time between two reports. Default: 10s."
        ),
    ] = None
    token_secret_ref: Annotated[
        SecretKeyRef | None,
        Meta(
            description="A token that each report must have as `Authorization: Bearer`. Default: "
            "none: any client that passes TLS and passwords of the web server may report."
        ),
    ] = None
    max_jobs: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            description="Maximum number of jobs with reports; there may be 16 times as many "
            "processes. Reports of other jobs are answered with 429. Default: 1000."
        ),
    ] = None

    RULES = (
        Rule(
            "path must not be that of another page of the exporter",
            f"!has(self.path) || !(self.path in [{_LISTED}] || {_BELOW})",
            _taken,
            ("path",),
            "path",
        ),
        min_duration("stale_after", "1s"),
    )
