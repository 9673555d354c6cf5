"""Which collectors a document chooses."""

from rackwatt_crds.node.collectors import Choice, Node, choices
from rackwatt_crds.node.requirements import REQUIREMENTS


def test_the_collectors_that_are_named_are_chosen_in_their_order() -> None:
    assert list(choices(Node(collectors=["rapl", "cpu"]))) == [
        Choice("rapl", "collectors[0]", automatic=False),
        Choice("cpu", "collectors[1]", automatic=False),
    ]


def test_auto_chooses_all_collectors_that_are_not_named_beside_it() -> None:
    named, *others = choices(Node(collectors=["auto", "rapl"]))
    assert named == Choice("rapl", "collectors[1]", automatic=False)
    assert [other.name for other in others] == [name for name in REQUIREMENTS if name != "rapl"]
    assert {(other.path, other.automatic) for other in others} == {("collectors[0]", True)}


def test_auto_is_the_default_of_collectors() -> None:
    chosen = list(choices(Node()))
    assert [choice.name for choice in chosen] == list(REQUIREMENTS)
    assert {(choice.path, choice.automatic) for choice in chosen} == {("collectors", True)}
