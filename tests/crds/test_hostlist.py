import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.hostlist import MAX_NAMES, expand


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", ["n1"]),
        ("n[1-3]", ["n1", "n2", "n3"]),
        ("node[008-011]", ["node008", "node009", "node010", "node011"]),
        ("n[8-11]", ["n8", "n9", "n10", "n11"]),
        ("a,b[1,3-4]", ["a", "b1", "b3", "b4"]),
        ("a , b", ["a", "b"]),
        ("n[1, 3-4 ]", ["n1", "n3", "n4"]),
        ("r[1-2]n[1-2]-bmc", ["r1n1-bmc", "r1n2-bmc", "r2n1-bmc", "r2n2-bmc"]),
        ("n[1-2,x[3-4]]", ["n1", "n2", "nx3", "nx4"]),
        ("[a,b]c", ["ac", "bc"]),
        ("10.11.1.[1-3]", ["10.11.1.1", "10.11.1.2", "10.11.1.3"]),
        ("fd00::[8-10]", ["fd00::8", "fd00::9", "fd00::10"]),
        ("a-1", ["a-1"]),
        ("n[9-10]", ["n9", "n10"]),
        ("n[0-10]", [f"n{i}" for i in range(11)]),
        (" a ,\n" + " " * 1000 + "b[ 1 , 2 ] ", ["a", "b1", "b2"]),
        ("a" * 255, ["a" * 255]),
        ("[" * 16 + "a" + "]" * 16, ["a"]),
    ],
)
def test_a_list_means_its_names_in_order(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty name"),
        ("a,,b", "empty name"),
        ("n[1-3", "character 2 is never closed"),
        ("n1-3]", "character 5 has no matching"),
        ("n[]", "is empty"),
        ("n[3-1]", "3-1 runs backwards"),
        ("n[1-999999999999]", "more than"),
        ("[1-9999][1-9999]", "more than"),
        ("[1-200000],x", "more than"),
        ("[" * 2000, "more than 16 deep"),
        (f"n[{'1' * 5000}-2]", "more than 255 characters"),
        ("x" * 1000 + "[1-200000]", "more than 255 characters"),
        (f"[{'0' * 4000}-200000]", "more than 255 characters"),
    ],
)
def test_a_list_that_means_nothing_says_where(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        expand(text)


@given(st.text(alphabet="an01-[], .", max_size=30))
def test_any_text_is_a_list_or_an_error(text: str) -> None:
    try:
        names = expand(text)
    except ValueError as error:
        assert text[:5] in str(error) or repr(text)[:5] in str(error)
    else:
        assert names
        assert all(names)
        assert len(names) <= MAX_NAMES


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=50, unique=True), st.integers(1, 6))
def test_numbers_written_out_come_back(numbers: list[int], width: int) -> None:
    words = [str(number).zfill(width) for number in numbers]
    assert expand(f"n[{','.join(words)}]x") == [f"n{word}x" for word in words]


@given(st.integers(0, 5000), st.integers(0, 300), st.integers(0, 6))
def test_a_range_is_its_numbers_padded_alike(low: int, more: int, width: int) -> None:
    first, last = str(low).zfill(width), str(low + more).zfill(width)
    padding = len(first) if first.startswith("0") else 0
    expected = [str(number).zfill(padding) for number in range(low, low + more + 1)]
    assert expand(f"[{first}-{last}]") == expected
