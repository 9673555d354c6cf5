"""What holds for every document unless it says otherwise: `--defaults.file`, the chart's values."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_operator import __version__


class Image(Model, frozen=True, kw_only=True):
    """The collector's image."""

    reference: Annotated[str, Meta(min_length=1)] = f"rackwatt/collector:{__version__}"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"


class Defaults(Model, frozen=True, kw_only=True):
    """The settings that belong to a cluster rather than to a document."""

    image: Image = Image()
