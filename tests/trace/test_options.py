import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_trace.options import DEFAULT_INTERVAL_S, Endpoint, parse, parse_endpoint

JOB = {"SLURM_JOB_ID": "12"}
ENDPOINT = {"SLURM_EXPORTER": "http://exporter:9123/trace"}


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://exporter:9123/trace", ("http", "exporter", 9123, "/trace")),
        ("https://exporter.example", ("https", "exporter.example", 443, "/trace")),
        ("http://10.0.0.1/a/b?c=d", ("http", "10.0.0.1", 80, "/a/b?c=d")),
        ("localhost:8092", ("http", "localhost", 8092, "/trace")),
        ("http://[::1]:9123/", ("http", "::1", 9123, "/trace")),
    ],
)
def test_an_endpoint_is_a_url_or_a_host_and_port(text: str, endpoint: tuple[object, ...]) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    ["", "ftp://x", "http://user:secret@x/", "http://x:0", "http://x:99999", "http://x y/", "http://x/\r\n", "x:y"],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="no URL") as caught:
        parse_endpoint(text)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_an_endpoint_or_is_refused(text: str) -> None:
    try:
        found = parse_endpoint(text)
    except ValueError:
        return
    assert 1 <= found.port <= 65535
    assert found.path.isprintable()
    assert found.path.startswith("/")


@pytest.mark.parametrize("arguments", [["--", "a", "-b", "--", "c"], ["a", "-b", "--", "c"]])
def test_everything_behind_the_options_is_the_command(arguments: list[str]) -> None:
    assert parse(["--verbose", *arguments], {**JOB, **ENDPOINT}).command == ["a", "-b", "--", "c"]


def test_the_environment_of_the_original_wrapper_is_accepted() -> None:
    environment = {"SLURM_EXPORTER": "localhost:8092", "SAMPLE_RATE": "10", "SLURM_JOBID": "7"}
    found = parse(["--", "true"], environment)
    assert found.endpoint == Endpoint("http", "localhost", 8092, "/trace")
    assert (found.interval_s, found.job.id, found.traces) == (10, "7", True)
    assert list(found.warnings) == []


def test_flags_go_before_the_environment() -> None:
    flags = [
        "--endpoint",
        "https://b",
        "--sample-rate",
        "2",
        "--jobid",
        "8_3",
        "--token-file",
        "/t",
    ]
    environment = {**JOB, **ENDPOINT, "SAMPLE_RATE": "9", "RACKWATT_TRACE_TOKEN_FILE": "/u"}
    found = parse([*flags, "--", "true"], environment)
    assert (found.endpoint, found.interval_s) == (Endpoint("https", "b", 443, "/trace"), 2)
    assert (found.job.id, found.token_file) == ("8_3", "/t")
    assert parse(["--", "true"], environment).token_file == "/u"


@pytest.mark.parametrize(
    ("environment", "warning"),
    [
        (ENDPOINT, "no job id"),
        (JOB, "no endpoint"),
        ({**JOB, "SLURM_EXPORTER": "http://u:secret@x"}, "SLURM_EXPORTER: the endpoint is no URL"),
    ],
)
def test_a_mistake_in_the_environment_leaves_the_command_untraced(
    environment: dict[str, str], warning: str
) -> None:
    found = parse(["--", "true"], environment)
    assert not found.traces
    (message,) = found.warnings
    assert warning in message
    assert "secret" not in message


@pytest.mark.parametrize("rate", ["x", "0", "-1", "nan", "inf", "1e9"])
def test_a_sample_rate_of_the_environment_that_is_none_is_replaced(rate: str) -> None:
    found = parse(["--", "true"], {**JOB, **ENDPOINT, "SAMPLE_RATE": rate})
    assert found.interval_s == DEFAULT_INTERVAL_S
    assert "SAMPLE_RATE" in found.warnings[0]
    assert found.traces


@pytest.mark.parametrize(
    "arguments",
    [[], ["--"], ["--sample-rate", "0", "--", "x"], ["--endpoint", "ftp://x", "--", "x"], ["--nonsense", "--", "x"],
     ["--token", "t", "--", "x"]],
)  # fmt: skip
def test_a_mistake_in_a_flag_is_one_of_the_user(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments, {**JOB, **ENDPOINT})
    assert caught.value.code == 2
    assert "usage: rackwatt-trace" in capsys.readouterr().err


def test_a_dry_run_needs_no_endpoint() -> None:
    found = parse(["--dry-run", "--", "true"], JOB)
    assert found.traces
    assert not found.warnings
