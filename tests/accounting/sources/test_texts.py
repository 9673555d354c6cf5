from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.sources.texts import MAX_TEXT, clean, clean_column


def test_printable_texts_are_left_as_they_are() -> None:
    texts = ["a|b", "", "naïve ☃", " padded "]
    assert clean_column(texts) is texts


@given(st.lists(st.text()))
def test_a_column_is_cleaned_like_each_of_its_texts(texts: list[str]) -> None:
    cleaned = clean_column(texts)
    assert list(cleaned) == [clean(text) for text in texts]
    assert all(text.isprintable() and len(text) <= MAX_TEXT for text in cleaned)
