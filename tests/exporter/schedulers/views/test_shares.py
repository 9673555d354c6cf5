"""Lines of the shares of nodes, as Prometheus' own parser reads them."""

from prometheus_client.parser import text_string_to_metric_families

from rackwatt_exporter.schedulers.model.node import NodeShare
from rackwatt_exporter.schedulers.views.shares import SHARES, share_text

ODD = 'CORP\\alice "a"\n'
SHARED = {
    "t1": (NodeShare(0.5, ODD, "phys", "batch"), NodeShare(0.25, partition="gpu")),
    "t2": (NodeShare(1.0, "bob"),),
}


def test_each_share_is_a_series_by_the_name_of_the_target() -> None:
    text = share_text(("prod", "alpha"), SHARED, None).decode()
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    assert {sample.name for sample in samples} == {SHARES.name}
    assert [(*sample.labels.values(), sample.value) for sample in samples] == [
        ("prod", "alpha", "t1", ODD, "phys", "batch", 0.5),
        ("prod", "alpha", "t1", "", "", "gpu", 0.25),
        ("prod", "alpha", "t2", "bob", "", "", 1.0),
    ]
    assert {tuple(sample.labels) for sample in samples} == {SHARES.labels}


def test_excluded_shares_have_no_series() -> None:
    assert share_text(("prod", "alpha"), SHARED, "rackwatt_node_.*") == b""
