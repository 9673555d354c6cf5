from rackwatt_exporter.units.model import UnitInfo
from rackwatt_exporter.units.properties.job import JobProperties, job_info, job_uuid

KNOWN = JobProperties("alice", "physics", "n[1-2]", "train", "prod", "1764500000")


def test_the_uuid_of_a_job_is_what_anybody_works_out_from_its_properties() -> None:
    # by sha1sum, of the bytes of the namespace and the lines, with version and variant set
    assert job_uuid("slurm", "7", KNOWN) == "f0fcf35f-7f9e-591d-81a0-0c66dc9efae3"


def test_the_uuid_differs_for_another_start_user_or_cluster_of_the_same_id() -> None:
    others = (
        KNOWN,
        KNOWN._replace(start="1764500001"),
        KNOWN._replace(user="bob"),
        KNOWN._replace(cluster="test"),
        KNOWN._replace(nodelist="n3"),
    )
    uuids = {job_uuid("slurm", "7", one) for one in others} | {job_uuid("pbs", "7", KNOWN)}
    assert len(uuids) == len(others) + 1


def test_the_uuid_does_not_depend_on_the_name_which_steps_change() -> None:
    assert job_uuid("slurm", "7", KNOWN._replace(name="x")) == job_uuid("slurm", "7", KNOWN)


def test_a_job_of_an_unknown_user_has_no_uuid() -> None:
    assert job_info("slurm", "7", JobProperties(name="train")) == UnitInfo(name="train")
