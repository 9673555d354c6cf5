"""What both kinds of document say to the operator alone; an exporter by itself ignores it."""

from typing import Annotated

from msgspec import Meta

Paused = Annotated[
    bool,
    Meta(
        description="Hold still: the operator changes nothing of what it made, and makes nothing. "
        "What runs goes on. Default false."
    ),
]
