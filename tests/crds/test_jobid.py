"""Templates of Lustre's job ids: what is split, and what fits none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.jobid import MAX_JOBID_LENGTH, Jobid, JobidTemplates, needs_jobs

DEFAULT = ("procname_uid", "%j", "%j:%e.%u")


def split(jobid: str, *templates: str) -> Jobid | None:
    return JobidTemplates(templates or DEFAULT).split(jobid)


@pytest.mark.parametrize(
    ("jobid", "expected"),
    [
        ("8000001", Jobid("8000001")),
        ("12.pbs01", Jobid("12.pbs01")),
        ("8[3].pbs01", Jobid("8[3].pbs01")),
        ("ƒ2n9uVqCXAs", Jobid("ƒ2n9uVqCXAs")),
        ("rsync.1000", Jobid(None, "rsync", 1000)),
        ("my.app.v2.1000", Jobid(None, "my.app.v2", 1000)),
        ("python3.11.0", Jobid(None, "python3.11", 0)),
        ("kworker/3:1.0", Jobid(None, "kworker/3:1", 0)),
        ("Web Content.5001", Jobid(None, "Web Content", 5001)),
        ("foo:bar.5001", Jobid(None, "foo:bar", 5001)),
        ("1234:my.app.v2.1000", Jobid("1234", "my.app.v2", 1000)),
        ("1234:a:b.1000", Jobid("1234", "a:b", 1000)),
    ],
)
def test_the_default_templates_split_what_clients_compose(jobid: str, expected: Jobid) -> None:
    assert split(jobid) == expected


@pytest.mark.parametrize(
    "jobid",
    ["", "nodot3", "cn0001:7", "rsync.", ".1000", "rsync.-1", "rsync.1e3", "rsync.4294967296",
     "rsync.\u0661\u0662", "1234:", "1234:bash", "12 34", "1234\n", "a\nb.5", "x" * 5000 + ".1"],
)  # fmt: skip
def test_what_fits_no_template_is_no_ones(jobid: str) -> None:
    assert split(jobid) is None


def test_the_template_with_the_most_fields_counts_whatever_their_order() -> None:
    for templates in (DEFAULT, DEFAULT[::-1]):
        assert split("1234:bash.1000", *templates) == Jobid("1234", "bash", 1000)


def test_literal_text_distinguishes_clusters() -> None:
    assert split("alpha-1234", "alpha-%j") == Jobid("1234")
    assert split("beta-1234", "alpha-%j") is None
    assert split("a+b-1", "a+b-%j") == Jobid("1")
    assert split("aab-1", "a+b-%j") is None


def test_hosts_groups_and_pids_are_fields() -> None:
    assert split("cn0001:7", "%H:%j") == Jobid("7")
    assert split("cn1.example:ior.5.60.99", "%h:%e.%u.%g.%p") == Jobid(None, "ior", 5, 60)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("%x", "'%x' is no field of it: known are %e, %g, %h, %H, %j, %p, %u"),
        ("%j%", "'%' is no field"),
        ("%e%u", "nothing separates %u from the field before it"),
        ("%j:%j", "%j is in it twice"),
        ("%e", "neither a job (%j) nor a user (%u)"),
        ("job", "neither a job"),
    ],
)
def test_a_template_that_is_none_has_a_reason(template: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        JobidTemplates([template])
    assert reason in str(caught.value)


def test_processes_alone_need_no_jobs() -> None:
    assert not needs_jobs(["procname_uid", "%e.%u.%g"])
    assert needs_jobs(DEFAULT)


@given(
    st.text(st.characters(exclude_characters="\n"), min_size=1, max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_any_process_and_user_are_found_again(process: str, uid: int) -> None:
    assert split(f"{process}.{uid}", "procname_uid") == Jobid(None, process, uid)


@given(st.text(max_size=2 * MAX_JOBID_LENGTH))
def test_any_text_is_split_into_parts_of_itself_or_not_at_all(text: str) -> None:
    parts = split(text)
    if parts is not None:
        assert (parts.job or "") in text
        assert (parts.process or "") in text
        assert parts.uid is None or 0 <= parts.uid < 2**32
