from rackwatt_accounting.config.budgets import budget_configs
from rackwatt_accounting.config.layers import carbon_configs, tariff_configs
from rackwatt_crds.accounting.budget import Budget, MonthlyBudget
from rackwatt_crds.accounting.carbon import CarbonFactor
from rackwatt_crds.accounting.tariff import Tariff

TARIFFS = tariff_configs(
    [Tariff(name=name, from_="2026-01-01", currency="EUR", per_core_hour=1) for name in "ab"]
)
CARBON = carbon_configs([CarbonFactor(name="grid", from_="2026-01-01", source="s", zone="FR")])


def test_a_budget_is_in_the_integers_of_storage() -> None:
    month = MonthlyBudget(
        kilowatt_hours=0.1, core_hours=1.5, gpu_hours=2, grams=0.001, money=19.99, tariff="b"
    )
    (found,) = budget_configs([Budget(user="ada", month=month)], TARIFFS, CARBON)
    assert (found.energy_mj, found.cpu_s, found.gpu_s) == (360_000_000, 5400, 7200)
    assert (found.emissions_mg, found.money_micro) == (1, 19_990_000)
    assert (found.carbon, found.tariff) == ("grid", "b")


def test_a_budget_is_counted_by_the_first_layer_unless_it_names_another() -> None:
    month = MonthlyBudget(money=1)
    (found,) = budget_configs([Budget(account="physics", month=month)], TARIFFS, CARBON)
    assert (found.carbon, found.tariff) == ("", "a")
    assert found.energy_mj is found.cpu_s is found.gpu_s is found.emissions_mg is None
