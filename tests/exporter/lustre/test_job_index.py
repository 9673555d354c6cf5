"""Jobs by the ids of their processes, and how long those that ended are kept."""

from rackwatt_exporter.lustre.job_index import JobIndex, JobOwner, owners
from rackwatt_exporter.schedulers.model.job import Job

ALICE, BOB = JobOwner("phys", "alice"), JobOwner("chem", "bob")


def job(name: str, owner: JobOwner = ALICE, **more: str) -> Job:
    return Job(name, "running", user=owner.user, account=owner.account, **more)  # type: ignore[arg-type]


def test_a_task_is_found_by_the_number_that_its_processes_have() -> None:
    found = owners([job("8_3", number="11", array="8"), job("9", BOB)])
    assert found == {"8_3": ALICE, "11": ALICE, "8": ALICE, "9": BOB}


def test_components_of_a_heterogeneous_job_are_found_by_their_own_numbers() -> None:
    found = owners([job("4+0", number="4", het="4"), job("4+1", number="5", het="4")])
    assert found == dict.fromkeys(("4+0", "4+1", "4", "5"), ALICE)


def test_a_number_of_a_job_counts_before_the_id_of_an_array() -> None:
    assert owners([job("8_3", array="8", number="11"), job("8", BOB)])["8"] == BOB


def test_an_id_of_two_owners_has_no_owner() -> None:
    assert owners([job("7"), job("7", BOB), job("8")]) == {"8": ALICE}


def test_an_account_with_a_space_is_one_account() -> None:
    owner = JobOwner("my project", "CORP\\alice")
    assert owners([job("7", owner)]) == {"7": owner}


def test_no_job_is_no_owner() -> None:
    index = JobIndex(300)
    index.update((), 1)
    assert index.current(1) == {}


def test_a_job_that_ended_is_kept_for_the_grace_and_no_longer() -> None:
    index = JobIndex(300)
    index.update((job("7"), job("8", BOB)), 1000)
    index.update((job("8", BOB),), 1030)
    assert index.current(1300) == {"7": ALICE, "8": BOB}
    assert index.current(1301) == {"8": BOB}


def test_a_job_that_is_listed_is_kept_without_any_grace() -> None:
    index = JobIndex(0)
    jobs = (job("7"),)
    index.update(jobs, 1000)
    assert index.current(9999) == {"7": ALICE}
    index.update((), 1030)
    assert index.current(1030) == {}


def test_the_same_snapshot_is_as_old_as_the_scheduler_says() -> None:
    index = JobIndex(10)
    jobs = (job("7"),)
    index.update(jobs, 1000)
    index.update(jobs, 1030)  # the same snapshot, which a 304 has made newer
    index.update((), 1031)
    assert index.current(1040) == {"7": ALICE}
    assert index.current(1041) == {}


def test_a_number_that_is_used_again_is_of_the_new_job() -> None:
    index = JobIndex(300)
    index.update((job("7"),), 1000)
    index.update((), 1001)
    index.update((job("7", BOB),), 1002)
    assert index.current(1002) == {"7": BOB}
    index.update((), 1003)
    assert index.current(1003) == {"7": BOB}


def test_jobs_of_a_silent_scheduler_end_when_they_were_last_listed() -> None:
    index = JobIndex(300)
    index.update((job("7"),), 1000)
    for _ in range(2):
        index.withdraw()
    assert index.current(1300) == {"7": ALICE}
    assert index.current(1301) == {}
