"""Settings of the collector of NVIDIA's GPUs."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class Nvidia(Model, frozen=True, kw_only=True):
    """Where the library of the driver is."""

    library: Annotated[
        Annotated[str, Meta(pattern=r"^/[^\x00-\x1f\x7f]*\Z", max_length=4096)] | None,
        Meta(
            description="Path of the driver's library, libnvidia-ml.so.1, where the loader does "
            "not find it. Default: libnvidia-ml.so.1, as the loader finds it."
        ),
    ] = None
