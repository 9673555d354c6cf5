"""Settings of the collector `hwmon`: which sensor measures the whole node."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class Hwmon(Model, frozen=True, kw_only=True):
    """The sensors of the board."""

    whole_node: Annotated[
        Annotated[str, Meta(min_length=3, max_length=256)] | None,
        Meta(
            description="The sensor that measures the whole node, by its `zone`, such as "
            "`7-0040/power1`. Default: the ACPI power meter (ACPI000D), where the node has one "
            "alone and it measures no part of the node."
        ),
    ] = None
