"""The shape every provider has: it tells one zone's carbon intensity, and knows nothing of time."""

from typing import Protocol

import msgspec

# Base units: joules, and grams of carbon dioxide equivalent.
JOULES_PER_KILOWATT_HOUR = 3.6e6


class Intensity(msgspec.Struct, frozen=True):
    """What a joule from the grid means, as the provider has it."""

    grams_per_joule: float

    @classmethod
    def of(cls, grams_per_kilowatt_hour: float) -> "Intensity":
        """Take it in the unit that providers tell it in."""
        return cls(grams_per_kilowatt_hour / JOULES_PER_KILOWATT_HOUR)

    @property
    def grams_per_kilowatt_hour(self) -> float:
        """The unit that people tell it in."""
        return self.grams_per_joule * JOULES_PER_KILOWATT_HOUR


class Provider(Protocol):
    """One zone's end of a provider. Whoever holds it never calls it twice at once."""

    async def read(self) -> Intensity:
        """Read the present figure.

        Raises:
            ReadError: with the reason.
        """
        ...

    async def close(self) -> None:
        """End what is open."""
        ...
