"""Tariffs and factors of emissions with their days as numbers, and prices exactly as written.

Prices are decimals: 0.1 of a document is a tenth, which no binary float is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeVar

from rackwatt_accounting.model.calendar import day_number
from rackwatt_crds.accounting.carbon import CarbonFactor
from rackwatt_crds.accounting.tariff import Tariff
from rackwatt_crds.accounting.validity import Valid

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """A name, and the half-open range of days on which it is valid; None is without an end."""

    name: str
    from_day: int
    to_day: int | None

    def is_valid_on(self, day: int) -> bool:
        """Return whether a day is in the range."""
        return self.from_day <= day and (self.to_day is None or day < self.to_day)


@dataclass(frozen=True, slots=True)
class TariffConfig(LayerConfig):
    """Prices in units of the currency, such as euros."""

    currency: str
    per_kilowatt_hour: Decimal = _ZERO
    per_core_hour: Decimal = _ZERO
    per_gpu_hour: Decimal = _ZERO
    per_billing_unit_hour: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class CarbonConfig(LayerConfig):
    """A factor of emissions: a constant, or a zone whose intensity the Prometheus has."""

    kind: Literal["location", "market"]
    signal: Literal["average", "marginal"]
    zone: str | None
    grams_per_kilowatt_hour: Decimal | None
    source: str
    version: str | None


L = TypeVar("L", bound=LayerConfig)


def valid_on(layers: Iterable[L], name: str, day: int) -> L | None:
    """Return the layer of a name that is valid on a day; there is one at most."""
    return next((one for one in layers if one.name == name and one.is_valid_on(day)), None)


def tariff_configs(tariffs: Sequence[Tariff] | None) -> tuple[TariffConfig, ...]:
    """Resolve tariffs."""
    return tuple(
        TariffConfig(
            *_validity(tariff),
            tariff.currency,
            _decimal(tariff.per_kilowatt_hour or 0),
            _decimal(tariff.per_core_hour or 0),
            _decimal(tariff.per_gpu_hour or 0),
            _decimal(tariff.per_billing_unit_hour or 0),
        )
        for tariff in tariffs or ()
    )


def carbon_configs(factors: Sequence[CarbonFactor] | None) -> tuple[CarbonConfig, ...]:
    """Resolve factors of emissions."""
    return tuple(_carbon_config(factor) for factor in factors or ())


def _carbon_config(factor: CarbonFactor) -> CarbonConfig:
    grams = factor.grams_per_kilowatt_hour
    return CarbonConfig(
        *_validity(factor),
        factor.kind or "location",
        factor.signal or "average",
        factor.zone,
        None if grams is None else _decimal(grams),
        factor.source,
        factor.version,
    )


def _validity(item: Valid) -> tuple[str, int, int | None]:
    return item.name, day_number(item.from_), None if item.to is None else day_number(item.to)


def _decimal(number: float) -> Decimal:
    """Return a number as a document has it: its shortest decimal that reads as that float."""
    return Decimal(repr(number))
