import pytest

from rackwatt_exporter.web import rate_limit
from rackwatt_exporter.web.rate_limit import RateLimit, client_of
from tests.exporter.store.test_traces import Clock


def test_a_client_may_burst_and_then_has_its_rate() -> None:
    clock = Clock()
    limit = RateLimit(2.0, 3, clock)
    assert [limit.allows("10.0.0.1") for _ in range(4)] == [True, True, True, False]
    clock.now_s += 0.5
    assert [limit.allows("10.0.0.1") for _ in range(2)] == [True, False]
    clock.now_s += 3600
    assert [limit.allows("10.0.0.1") for _ in range(4)] == [True, True, True, False]


def test_a_client_that_floods_takes_nothing_from_another() -> None:
    limit = RateLimit(1.0, 1, Clock())
    assert [limit.allows("10.0.0.1") for _ in range(3)] == [True, False, False]
    assert limit.allows("10.0.0.2")


def test_the_number_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_CLIENTS", 2)
    limit = RateLimit(1.0, 1, Clock())
    for last in range(1, 4):
        assert limit.allows(f"10.0.0.{last}")
    assert not limit.allows("10.0.0.3")
    assert len(limit._buckets) == 2


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, ""),
        ("odd", "odd"),
    ],
)
def test_a_client_is_an_ipv4_address_or_a_prefix_of_ipv6(address: str | None, client: str) -> None:
    assert client_of(address) == client
