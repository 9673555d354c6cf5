"""Processes of units that a continuous profiler takes from `/alloy-targets`."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.rules import unique


class NodeProfiling(Model, frozen=True, kw_only=True):
    """Which processes of units are listed at `/alloy-targets`; the defaults, `{}`, serve."""

    environment_variables: Annotated[
        Annotated[
            list[Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z", max_length=256)]],
            Meta(
                min_length=1,
                max_length=32,
                extra_json_schema={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None,
        Meta(
            description="Names of variables: only processes that have one of them are listed, "
            "whatever its value. The operator then grants what reading the variables of processes "
            "needs: CAP_SYS_PTRACE, uid 0 and the process namespace of the node. Default: all "
            "processes of units are listed."
        ),
    ] = None

    RULES = (unique("environment_variables"),)
