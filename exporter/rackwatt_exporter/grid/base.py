"""Protocol of a provider of one zone's carbon intensity; it does no scheduling."""

from typing import Protocol

import msgspec

# Base units: joules, and grams of carbon dioxide equivalent.
JOULES_PER_KILOWATT_HOUR = 3.6e6


class CarbonIntensity(msgspec.Struct, frozen=True):
    """Carbon intensity of a grid, as its provider states it."""

    grams_per_joule: float

    @classmethod
    def from_grams_per_kwh(cls, grams_per_kilowatt_hour: float) -> "CarbonIntensity":
        """Convert it from the unit of most providers."""
        return cls(grams_per_kilowatt_hour / JOULES_PER_KILOWATT_HOUR)

    @property
    def grams_per_kilowatt_hour(self) -> float:
        """The value in the unit that people use."""
        return self.grams_per_joule * JOULES_PER_KILOWATT_HOUR


class Provider(Protocol):
    """Provider of one zone; its caller never runs two reads at once."""

    async def read(self) -> CarbonIntensity:
        """Read the current value.

        Raises:
            ReadError: with the reason.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
