"""How much of their limits accounts, users and QOS use, as scontrol prints it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.limit_usage import LIMIT_USAGE, parse_text

CONFIG = b"AccountingStorageEnforce = associations,limits,qos\n"
DATA = Path(__file__).parents[3] / "data"
CAPTURE = CONFIG + (DATA / "slurm-22.05/limit_usage.txt").read_bytes()
MIB = 2**20
UNPRIVILEGED = b"nobody" + b"(65534)"
GOLD = LimitUsage("nodes", 0, 2, qos="gold")
# physics has the account `my acc` below it; a QOS prints its users by their uids.
CAPTURED = {
    GOLD,
    LimitUsage("cpus", 6, 8, "physics"),
    LimitUsage("memory", 500 * MIB, 4000 * MIB, "physics"),
    LimitUsage("running_jobs", 5, 50, "physics"),
    LimitUsage("submitted_jobs", 7, 500, "physics"),
    LimitUsage("cpus", 4, 6, "physics", "nobody"),
    LimitUsage("running_jobs", 3, 3, "physics", "nobody"),
    LimitUsage("billing_minutes", 1, 100, "my acc"),
    LimitUsage("cpu_minutes", 1, 50, "my acc"),
    LimitUsage("cpu_running_minutes", 8, 500, "my acc"),
    LimitUsage("wall_minutes", 1, 1000, "my acc"),
    LimitUsage("cpus", 6, 10, qos="normal"),
    LimitUsage("cpu_minutes", 18, 1000, qos="normal"),
    LimitUsage("running_jobs", 5, 20, qos="normal"),
    LimitUsage("submitted_jobs", 7, 100, qos="normal"),
    *(
        LimitUsage(limit, used, allowed, account, qos="normal")
        for account, cpus, jobs, submitted in (("physics", 5, 4, 6), ("my acc", 1, 1, 1))
        for limit, used, allowed in (
            ("cpus", cpus, 6), ("running_jobs", jobs, 7), ("submitted_jobs", submitted, 30),
        )
    ),
    *(
        LimitUsage(limit, used, allowed, user=user, qos="normal")
        for user, cpus, jobs, submitted in (("nobody", 4, 3, 5), ("bin", 1, 1, 1), ("daemon", 1, 1, 1))
        for limit, used, allowed in (
            ("cpus", cpus, 4), ("gres/gpu", 0, 2), ("running_jobs", jobs, 3),
            ("submitted_jobs", submitted, 10),
        )
    ),
}  # fmt: skip


def usages(output: bytes) -> set[LimitUsage]:
    value, note = parse_text(output)
    assert isinstance(value, tuple)
    assert len(set(value)) == len(value)
    assert note == ""
    return set(value)


def test_each_limit_of_accounts_users_and_qos_has_its_use() -> None:
    assert usages(CAPTURE) == CAPTURED


def test_users_of_a_qos_by_their_names_as_newer_versions_print_them_are_the_same() -> None:
    newer = CAPTURE.replace(b" 65534={", b" " + UNPRIVILEGED + b"={").replace(b" 2={", b" bin(2)={")
    assert newer != CAPTURE
    assert usages(newer) == CAPTURED


@pytest.mark.parametrize(
    ("release", "plasma_cpus", "plasma_jobs", "of_gold"), [("24.11", 2, 2, 2), ("26.05", 1, 1, 3)]
)
def test_the_captures_of_newer_releases_have_what_squeue_listed(
    release: str, plasma_cpus: int, plasma_jobs: int, of_gold: int
) -> None:
    """A job of games in physics holds 2 CPUs, one of daemon in plasma 1, and another waits.

    One more, of games in plasma, runs by the QOS normal in 24.11, and waits by gold in 26.05.
    """
    output = (DATA / f"slurm-{release}/limit_usage.txt").read_bytes()
    games_runs = plasma_jobs - 1
    assert usages(CONFIG + output) == {
        LimitUsage("cpus", 2 + plasma_cpus, 40, "physics"),
        LimitUsage("memory", (2000 + 100 * plasma_jobs) * MIB, 40_000 * MIB, "physics"),
        LimitUsage("gres/gpu", 0, 4, "physics"),
        LimitUsage("running_jobs", 1 + plasma_jobs, 50, "physics"),
        LimitUsage("submitted_jobs", 4, 500, "physics"),
        LimitUsage("cpus", 2, 16, "physics", "games"),
        LimitUsage("running_jobs", 1, 3, "physics", "games"),
        LimitUsage("memory", 100 * plasma_jobs * MIB, 8192 * MIB, "plasma"),
        LimitUsage("running_jobs", games_runs, 7, "plasma", "games", "batch"),
        LimitUsage("running_jobs", 0, 7, "plasma", "corp\\alice"),
        LimitUsage("running_jobs", 1, 7, "plasma", "daemon"),
        LimitUsage("cpu_minutes", 0, 50, "plasma", "daemon"),
        LimitUsage("cpu_running_minutes", 9, 500, "plasma", "daemon"),
        LimitUsage("wall_minutes", 0, 1000, "plasma", "daemon"),
        LimitUsage("cpus", 3, 4, qos="gold"),
        LimitUsage("running_jobs", 2, 2, qos="gold"),
        LimitUsage("memory", 2000 * MIB, 8192 * MIB, "physics", qos="gold"),
        LimitUsage("memory", 100 * MIB, 8192 * MIB, "plasma", qos="gold"),
        LimitUsage("submitted_jobs", of_gold, 9, user="games", qos="gold"),
        LimitUsage("submitted_jobs", 1, 9, user="daemon", qos="gold"),
        *(LimitUsage("running_jobs", 1, 1, user=user, qos="gold") for user in ("games", "daemon")),
        *(LimitUsage("gres/gpu", 0, 1, user=user, qos="gold") for user in ("games", "daemon")),
    }


def test_a_user_of_a_qos_without_an_association_has_the_uid_for_a_name() -> None:
    found = usages(CAPTURE.replace(b" 65534={", b" 4711={"))
    assert LimitUsage("cpus", 4, 4, user="4711", qos="normal") in found


def test_a_uid_of_two_names_is_neither_of_them() -> None:
    """One of them is a user whom only slurmdbd knows yet."""
    line = next(one for one in CAPTURE.splitlines() if b"UserName=bin(2)" in one)
    found = usages(CAPTURE.replace(line, line + b"\n" + line.replace(b"bin(2)", b"daemon2(2)")))
    assert LimitUsage("cpus", 1, 4, user="2", qos="normal") in found


def test_of_two_limits_of_the_jobs_of_a_user_that_which_is_reached_first_counts() -> None:
    """GrpJobs of a user's association and MaxJobs both limit the jobs that run."""
    line = next(one for one in CAPTURE.splitlines() if b"UserName=" + UNPRIVILEGED in one)
    for group, allowed in ((b"2", 2), (b"9", 3)):
        both = line.replace(b"GrpJobs=N(3)", b"GrpJobs=" + group + b"(3)")
        assert both != line
        found = usages(CAPTURE.replace(line, both))
        assert LimitUsage("running_jobs", 3, allowed, "physics", "nobody") in found


def test_limits_of_each_user_that_an_account_hands_down_are_no_limits_of_the_account() -> None:
    line = next(one for one in CAPTURE.splitlines() if b"Account=physics UserName= " in one)
    handed_down = line.replace(b"MaxJobs= ", b"MaxJobs=1(9) ")
    assert handed_down != line
    assert usages(CAPTURE.replace(line, handed_down)) == CAPTURED


def test_a_list_of_one_user_alone_is_what_private_data_leaves() -> None:
    hidden = re.sub(rb"UserName=\w+\(", b"UserName=bin(", CAPTURE)
    with pytest.raises(ReadError, match="lists one user at most: PrivateData hides the others"):
        parse_text(hidden)


def test_what_cannot_be_read_is_counted_and_hides_no_other() -> None:
    output = re.sub(rb"(QOS=gold.* GrpJobs)=N\(0\)", rb"\1=many(1)", CAPTURE)
    changed = re.sub(rb"GrpWall=1000\([0-9.]+\)", b"GrpWall=1000", output)
    value, note = parse_text(changed)
    assert isinstance(value, tuple)
    own = {one for one in CAPTURED if one.account == "my acc" and not one.qos}
    assert set(value) == CAPTURED - own - {GOLD}
    assert note == "1 association could not be read; 1 QOS could not be read"


@pytest.mark.parametrize(
    "output",
    [b"", b"Welcome\n", CAPTURE.partition(b"QOS Records")[0], CAPTURE.removeprefix(CONFIG)],
)
def test_an_output_without_qos_is_not_what_scontrol_prints(output: bytes) -> None:
    with pytest.raises(ReadError, match="not what Slurm reports") as caught:
        parse_text(output)
    assert caught.value.reason is Reason.BAD_REPLY


def test_a_slurm_without_accounting_is_named() -> None:
    printed = CONFIG + (
        b"Current Association Manager state\n\nNo associations currently cached in Slurm.\n\n"
        b"\nNo QOS currently cached in Slurm.\n\n"
    )
    with pytest.raises(ReadError, match="does Slurm use slurmdbd"):
        parse_text(printed)


@pytest.mark.parametrize("enforced", [b"none", b"associations,qos", b"nolimits"])
def test_a_slurm_that_enforces_no_limit_counts_no_use_of_any(enforced: bytes) -> None:
    """It prints 0 of jobs that run: that is no use that is known."""
    output = CAPTURE.replace(b"associations,limits,qos", enforced)
    with pytest.raises(ReadError, match="counts no use of any") as caught:
        parse_text(output)
    assert caught.value.remedy
    assert enforced.decode() in str(caught.value)


def test_scontrol_is_run_for_the_cluster_and_slurmrestd_for_nothing() -> None:
    (form,) = LIMIT_USAGE.forms
    assert form.before is not None
    for command in (form.before, form.command):
        assert command("alpha")[:3] == ("scontrol", "-M", "alpha")
    assert LIMIT_USAGE.parse_reply is None


HEAD = CONFIG + b"ClusterName=toy Account=root UserName=root(0) Partition= ParentAccount= "
VALUES = st.text("0123456789N(),=.cpumgres/ ", max_size=30) | st.sampled_from(
    ["cpu=8(4),mem=N(3)", "3(4)", "N(0.25)", f"cpu={2**64}({2**64})"]
)


@given(
    st.binary()
    | st.tuples(VALUES, VALUES, VALUES, VALUES).map(
        lambda values: HEAD + (
            "GrpTRES={} GrpJobs={} MaxJobs=\nQOS Records\nQOS=a(1) GrpTRES={} Account Limits=No "
            "Accounts User Limits= 7={{MaxTRESPU={}}}\n"
        ).format(*values).encode()
    )
)  # fmt: skip
def test_whatever_is_printed_is_usages_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    try:
        found = parse_text(output).value
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    assert isinstance(found, tuple)
    assert len({one.key for one in found}) == len(found)
    snapshot = SchedulerSnapshot({}, limit_usage=found)
    assert relay.decode(relay.encode(snapshot)) == snapshot
