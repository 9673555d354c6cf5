from rackwatt_exporter.profiles.batchjob.jobuuid import jobuuid


def test_the_uuid_of_a_job_is_that_of_batchjob_exporter() -> None:
    known = "0f0ac288-dbd4-a9a3-df3a-ab14ef9d51d5"
    assert jobuuid("1009248", "testusr", "testacc", "compute-[0-2]") == known
    assert jobuuid("1009248", "testusr", "TESTACC", " Compute-[0-2]\n") == known
    assert jobuuid("1009248", "TESTUSR", "testacc", "compute-[0-2]") != known


def test_a_job_of_an_unknown_user_has_no_uuid() -> None:
    assert jobuuid("1009248", "", "", "") == ""
