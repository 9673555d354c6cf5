from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.config.layers import carbon_configs, tariff_configs, valid_on
from rackwatt_accounting.model.calendar import day_number
from rackwatt_crds.accounting.carbon import CarbonFactor
from rackwatt_crds.accounting.tariff import Tariff


def tariff(**more: Any) -> Tariff:
    return Tariff(**{"name": "site", "from_": "2026-01-01", "currency": "EUR", **more})


def test_a_price_is_the_decimal_that_the_document_has() -> None:
    (found,) = tariff_configs([tariff(per_core_hour=0.1, per_kilowatt_hour=1e-7)])
    assert found.per_core_hour * 3 == Decimal("0.3")
    assert found.per_kilowatt_hour == Decimal("0.0000001")
    assert found.per_gpu_hour == found.per_billing_unit_hour == 0


@given(st.integers(20_000, 21_000))
def test_a_day_has_the_tariff_that_is_valid_on_it_and_no_other(day: int) -> None:
    first, second = tariff(to="2026-06-01"), tariff(from_="2026-06-01", per_core_hour=1)
    other = tariff(name="other", per_core_hour=2)
    found = valid_on(tariff_configs([first, second, other]), "site", day)
    if day < day_number("2026-01-01"):
        assert found is None
    else:
        assert found is not None
        assert found.per_core_hour == (1 if day >= day_number("2026-06-01") else 0)


def test_a_factor_is_of_the_location_and_of_the_average_unless_it_says_otherwise() -> None:
    first, second = carbon_configs(
        [
            CarbonFactor(name="a", from_="2026-01-01", source="s", zone="FR"),
            CarbonFactor(
                name="b", from_="2026-01-01", source="s", grams_per_kilowatt_hour=0.5, kind="market"
            ),
        ]
    )
    assert (first.kind, first.signal, first.grams_per_kilowatt_hour) == (
        "location",
        "average",
        None,
    )
    assert (second.kind, second.grams_per_kilowatt_hour) == ("market", Decimal("0.5"))
