"""Mistakes of accounting that no model sees, each with its path."""

from typing import Any

import pytest

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.accounting.mistakes import mistakes
from rackwatt_crds.decoding import examine

TARIFF = {"name": "site", "from": "2026-01-01", "currency": "EUR", "perCoreHour": 0.01}
FACTOR = {"name": "grid", "from": "2026-01-01", "gramsPerKilowattHour": 380, "source": "EEA"}


def found(**accounting: Any) -> dict[str, str]:
    decoded = examine(accounting, Accounting)
    assert decoded.problems == []
    assert decoded.model is not None
    return dict(mistakes(decoded.model))


def budget(**month: Any) -> dict[str, Any]:
    return {"account": "physics", "month": month}


def test_accounting_with_nothing_but_defaults_has_no_mistake() -> None:
    assert found() == {}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Etc/GMT+3", "America/Argentina/Salta"])
def test_a_time_zone_of_the_database_is_none(zone: str) -> None:
    assert found(timezone=zone) == {}


def test_a_time_zone_that_does_not_exist_is_one_with_what_was_probably_meant() -> None:
    reason = found(timezone="Europe/Berlim")["timezone"]
    assert reason.startswith("'Europe/Berlim' is no time zone of the IANA database; ")
    assert "Europe/Berlin" in reason


@pytest.mark.parametrize("field", ["from", "to"])
@pytest.mark.parametrize(("layers", "item"), [("tariffs", TARIFF), ("carbon", FACTOR)])
def test_a_day_that_no_calendar_has_is_one(layers: str, item: Any, field: str) -> None:
    day = {"from": "2026-02-29", "to": "2026-06-31"}[field]
    assert found(**{layers: [{**item, field: day}]}) == {
        f"{layers}[0].{field}": f"'{day}' is no day of the calendar"
    }


def test_a_zone_of_carbon_without_a_prometheus_is_one() -> None:
    zone = {key: value for key, value in FACTOR.items() if key != "gramsPerKilowattHour"}
    carbon = [FACTOR, {**zone, "name": "live", "zone": "FR"}]
    assert list(found(carbon=carbon)) == ["carbon[1].zone"]
    assert found(carbon=carbon, prometheus={"url": "http://p:9090"}) == {}


@pytest.mark.parametrize(
    ("amount", "layers", "choice"),
    [("money", {"tariffs": [TARIFF]}, "tariff"), ("grams", {"carbon": [FACTOR]}, "carbon")],
)
def test_a_budget_that_nothing_counts_is_one(amount: str, layers: Any, choice: str) -> None:
    (field,) = layers
    assert found(budgets=[budget(**{amount: 5})]) == {
        f"budgets[0].month.{amount}": f"needs {field}: nothing else says how it is counted"
    }
    assert found(budgets=[budget(**{amount: 5})], **layers) == {}
    name = layers[field][0]["name"]
    assert found(budgets=[budget(**{amount: 5, choice: name})], **layers) == {}
    (path,) = found(budgets=[budget(**{amount: 5, choice: "other"})], **layers)
    assert path == f"budgets[0].month.{choice}"


def test_two_budgets_of_one_account_are_one_mistake() -> None:
    other = {"user": "physics", "month": {"coreHours": 1}}
    assert found(budgets=[budget(coreHours=1), other, budget(gpuHours=1)]) == {
        "budgets[2]": "has the account or user of budgets[0]: join them"
    }


def test_mails_without_a_server_are_one() -> None:
    budgets = [{**budget(coreHours=1), "mailTo": ["ada@example.org"]}]
    webhook = {"webhook": {"url": "https://hooks.example"}}
    expected = {"budgets[0].mailTo": "needs notify.mail: no server sends them"}
    assert found(budgets=budgets) == found(budgets=budgets, notify=webhook) == expected
    mail = {"mail": {"host": "mail.example", "from": "rackwatt@example.org"}}
    assert found(budgets=budgets, notify=mail) == {}


def test_nothing_is_concluded_from_what_cannot_be_read() -> None:
    odd = {
        "timezone": 1,
        "prometheus": 1,
        "tariffs": [{"name": 1, "from": 1, "perCoreHour": "a"}, 1],
        "carbon": 1,
        "budgets": [{"account": "a", "month": {"money": 1, "tariff": "b"}}, 1, {"account": {}}],
        "notify": {"mail": 1},
        "identity": {"trustedHeader": 1, "oidc": 1},
    }
    partial = examine(odd, Accounting).partial
    assert partial is not None
    assert list(mistakes(partial)) == []
