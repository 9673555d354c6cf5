import pytest

from rackwatt_trace.job import job_context

# As Slurm 22.05 sets them.
ARRAY = {"SLURM_JOB_ID": "3", "SLURM_ARRAY_JOB_ID": "2", "SLURM_ARRAY_TASK_ID": "1"}
HET = {
    "SLURM_JOB_ID": "6",
    "SLURM_HET_SIZE": "2",
    "SLURM_JOB_ID_HET_GROUP_0": "6",
    "SLURM_JOB_ID_HET_GROUP_1": "7",
    "SLURM_JOB_NODELIST_HET_GROUP_0": "n[1-3]",
    "SLURM_JOB_NODELIST_HET_GROUP_1": "n[4,6]",
}


@pytest.mark.parametrize(
    ("environment", "job"),
    [
        ({}, ""),
        ({"SLURM_JOB_ID": "12", "SLURM_JOBID": "13"}, "12"),
        ({"SLURM_JOBID": "13"}, "13"),
        (ARRAY, "2_1"),
        ({**HET, "SLURMD_NODENAME": "n2"}, "6+0"),
        ({**HET, "SLURMD_NODENAME": "n6"}, "6+1"),
        ({**HET, "SLURM_JOB_NODELIST_HET_GROUP_0": "n[", "SLURMD_NODENAME": "n4"}, "6+1"),
        ({**HET, "SLURM_HET_SIZE": "x", "SLURMD_NODENAME": "n6"}, "6"),
        ({"PBS_JOBID": "12.server"}, "12.server"),
        ({"JOB_ID": "7", "SGE_TASK_ID": "undefined"}, "7"),
        ({"JOB_ID": "7", "SGE_TASK_ID": "2"}, "7.2"),
        ({"LSB_JOBID": "9", "LSB_JOBINDEX": "0"}, "9"),
        ({"LSB_JOBID": "9", "LSB_JOBINDEX": "4"}, "9[4]"),
    ],
)
def test_the_id_of_a_job_is_spelt_as_its_scheduler_lists_it(
    environment: dict[str, str], job: str
) -> None:
    assert job_context(environment).id == job


@pytest.mark.parametrize("node", ["n9", ""])
def test_a_node_of_no_component_leaves_the_id_as_it_is(node: str) -> None:
    assert job_context({**HET, "SLURMD_NODENAME": node}).id == "6"


def test_a_node_of_two_components_is_not_guessed() -> None:
    both = {**HET, "SLURM_JOB_NODELIST_HET_GROUP_1": "n2", "SLURMD_NODENAME": "n2"}
    assert job_context(both).id == "6"


@pytest.mark.parametrize(
    ("step", "word"), [("0", "0"), ("4294967291", "batch"), ("4294967290", "interactive"), ("", "")]
)
def test_steps_without_a_number_have_slurms_word(step: str, word: str) -> None:
    assert job_context({"SLURM_STEP_ID": step}).step == word


@pytest.mark.parametrize(
    ("environment", "rank"),
    [({"SLURM_PROCID": "3", "PMI_RANK": "1"}, 3), ({"PMI_RANK": "1"}, 1), ({}, None), ({"SLURM_PROCID": "x"}, None)],
)  # fmt: skip
def test_the_rank_is_slurms_or_that_of_mpi(environment: dict[str, str], rank: int | None) -> None:
    assert job_context(environment).rank == rank


def test_the_host_is_the_node_that_slurm_knows() -> None:
    assert job_context({"SLURMD_NODENAME": "n1"}).host == "n1"
    assert job_context({}).host
