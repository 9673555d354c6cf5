from rackwatt_exporter.energy.separate_gpus import SeparateGpus


def observe(found: SeparateGpus, *watts: tuple[float, float]) -> list[bool]:
    holds = []
    for node, gpus in watts:
        found.observe(node, gpus)
        holds.append(found.holds)
    return holds


def test_separate_gpus_are_those_that_draw_more_than_the_node_three_times_in_a_row() -> None:
    late = [(300.0, 500.0), (300.0, 500.0), (900.0, 500.0)]
    assert observe(SeparateGpus(), *late, *late) == [False] * 6
    assert observe(SeparateGpus(), *[(300.0, 500.0)] * 4) == [False, False, True, True]


def test_separate_gpus_are_included_after_all_where_the_node_moves_with_them() -> None:
    found = SeparateGpus()
    observe(found, *[(300.0, 500.0)] * 3)  # the BMC repeated an old value for a minute
    steps = [(1000.0, 500.0), (400.0, 50.0), (1000.0, 500.0), (400.0, 50.0), (1000.0, 500.0)]
    assert observe(found, *steps, (400.0, 50.0)) == [True] * 5 + [False]


def test_separate_gpus_stay_so_where_only_processors_move_the_node() -> None:
    found = SeparateGpus()
    observe(found, *[(300.0, 500.0)] * 3)
    small = [(700.0, 500.0), (300.0, 450.0)] * 10  # changes of the GPUs that prove nothing
    assert set(observe(found, *small)) == {True}
    apart = [(600.0, 500.0), (400.0, 50.0)] * 10  # half of their change, by the processors
    assert set(observe(found, *apart)) == {True}
