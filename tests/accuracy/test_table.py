from tests.accuracy.table import PAGE, filled, table


def test_the_table_of_errors_in_the_documentation_is_what_the_models_come_to() -> None:
    page = PAGE.read_text()
    assert filled(page, table()) == page
