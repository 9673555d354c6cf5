"""Node states through slurmrestd 24.11, played back from captures."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm import kept_nodes, rest
from rackwatt_exporter.schedulers.slurm.auth import sign_jwt
from rackwatt_exporter.schedulers.slurm.licenses import LICENSES
from rackwatt_exporter.schedulers.slurm.options import HeaderOptions, SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.record_stream import BLOCK_BYTES, MAX_BYTES
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.slurm.subject import SlurmSubject
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.snapshots import states

DATA = Path(__file__).parents[3] / "data" / "slurm-24.11"
LOOPS = ("attended",)
TOKEN = SecretKey("slurm", "token")
DRAINING = (DATA / "nodes_draining_v0.0.42.json").read_bytes()
SIX = {
    "n01": "allocated",
    "n02": "idle",
    "n03": "idle",
    "n04": "idle",
    "n05": "drained",
    "n06": "down",
}


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / TOKEN.key).write_text("a.b.c")
    return Secrets(tmp_path)


@asynccontextmanager
async def asking(
    options: SlurmRestOptions,
    secrets: Secrets,
    *,
    jobs: bool = False,
    subjects: Sequence[SlurmSubject] = (),
) -> AsyncIterator[SlurmRest]:
    scheduler = SlurmRest(options, secrets, PATIENCE_S, jobs=jobs, subjects=subjects)
    try:
        yield scheduler
    finally:
        await scheduler.close()


async def failure(scheduler: SlurmRest) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await scheduler.read()
    return caught.value


def ahead(body: bytes, time_s: float) -> bytes:
    """Return an answer of a slurmctld whose clock was at a time."""
    answer = json.loads(body)
    answer["last_update"]["number"] = int(time_s)
    return json.dumps(answer).encode()


class Playback:
    """A slurmrestd 24.11 that answers from captures; `requests` records the requests.

    To a request for changes since a time it answers 304 while there are none, and afterwards fails
    as the real one does when nodes have changed and partitions have not.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.versions = ["v0.0.40", "v0.0.41", "v0.0.42"]
        self.openapi: bytes | None = None
        self.refused: dict[str, tuple[int, bytes]] = {}
        self.headers: list[Mapping[str, str]] = []
        self.status, self.body = 200, (DATA / "nodes_v0.0.42.json").read_bytes()
        self.jobs = (DATA / "jobs_v0.0.42.json").read_bytes()
        self.licenses = 200, (DATA / "licenses_rest_v0.0.42.json").read_bytes()
        self.changed_s: int = json.loads(self.body)["last_update"]["number"]

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        self.headers.append(request.headers)
        if "X-SLURM-USER-TOKEN" not in request.headers:
            return web.Response(status=401, text="Authentication failure")
        if request.path == "/openapi/v3":
            return web.Response(body=self.openapi if self.openapi is not None else self._paths())
        if request.path.split("/")[2] not in self.versions:
            return web.Response(status=404, text="Unable find requested URL.")
        if (version := request.path.split("/")[2]) in self.refused:
            status, body = self.refused[version]
            return web.Response(status=status, body=body)
        if request.path.endswith("/jobs"):
            return web.Response(body=self.jobs, content_type="application/json")
        if request.path.endswith("/licenses"):
            status, body = self.licenses
            return web.Response(status=status, body=body)
        if "update_time" in request.query:
            return self._changes(int(request.query["update_time"]))
        return web.Response(status=self.status, body=self.body, content_type="application/json")

    def _paths(self) -> bytes:
        get: dict[str, object] = {"get": {}}
        paths = {f"/slurm/{version}/nodes/": get for version in self.versions}
        return json.dumps({"openapi": "3.0.3", "paths": paths}).encode()

    def _changes(self, since_s: int) -> web.Response:
        if since_s >= self.changed_s:
            return web.Response(status=304)
        return web.Response(status=500, body=(DATA / "update_time_refused.json").read_bytes())


@asynccontextmanager
async def serving(peer: Playback) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", peer.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def played(
    peer: Playback,
    secrets: Secrets,
    version: str | None = None,
    cluster: str | None = None,
    headers: tuple[HeaderOptions, ...] = (),
) -> AsyncIterator[SlurmRest]:
    async with serving(peer) as url:
        options = SlurmRestOptions(
            url, token=TOKEN, version=version, cluster=cluster, headers=headers
        )
        async with asking(options, secrets) as scheduler:
            yield scheduler


async def test_while_nothing_has_changed_the_last_states_stay(secrets: Secrets) -> None:
    peer = Playback()
    async with played(peer, secrets) as scheduler:
        first = await scheduler.read()
        second = await scheduler.read()
    assert states(first) == SIX
    assert first.version == "24.11.5"
    assert second is first
    assert peer.requests == [
        "/openapi/v3",
        "/slurm/v0.0.42/nodes/",
        f"/slurm/v0.0.42/nodes/?update_time={peer.changed_s}",
    ]


async def test_a_change_after_that_is_read(secrets: Secrets) -> None:
    peer = Playback()
    async with played(peer, secrets) as scheduler:
        await scheduler.read()
        peer.changed_s += 1
        peer.body = DRAINING
        assert states(await scheduler.read())["n01"] == "draining"
    assert peer.requests[-1] == "/slurm/v0.0.42/nodes/"


async def test_states_do_not_stay_where_the_clock_of_slurmctld_has_stepped_back(
    secrets: Secrets,
) -> None:
    """Its last answer was of an hour that is still to come: no change is later than that."""
    peer = Playback()
    before, peer.body = peer.body, ahead(peer.body, time.time() + 3600)
    async with played(peer, secrets) as scheduler:
        assert states(await scheduler.read()) == SIX
        peer.changed_s, peer.body = int(time.time()) - 1, DRAINING
        assert states(await scheduler.read())["n01"] == "draining"
        peer.body = before
        assert states(await scheduler.read()) == SIX


async def test_all_nodes_are_read_now_and_then_though_slurm_says_that_none_has_changed(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Playback()
    async with played(peer, secrets) as scheduler:
        await scheduler.read()
        peer.body = DRAINING
        assert states(await scheduler.read()) == SIX
        monkeypatch.setattr(kept_nodes, "ALL_AGAIN_S", 0.0)
        assert states(await scheduler.read())["n01"] == "draining"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v0.0.39", "v0.0.40", "v0.0.41"], "v0.0.41"),
        (["v0.0.44", "v0.0.45", "v0.0.46"], "v0.0.45"),
        (["v0.0.47", "v0.0.46", "v0.0.48"], "v0.0.46"),
        (["v0.0.9", "v0.0.38"], "v0.0.38"),
    ],
)
async def test_the_newest_version_that_we_know_is_chosen(
    secrets: Secrets, offered: list[str], chosen: str
) -> None:
    peer = Playback()
    peer.versions = offered
    async with played(peer, secrets) as scheduler:
        await scheduler.read()
    assert peer.requests[1] == f"/slurm/{chosen}/nodes/"


async def test_the_refusal_of_24_11_is_auth_failed(secrets: Secrets) -> None:
    peer = Playback()
    peer.status, peer.body = 511, (DATA / "token_expired.json").read_bytes()
    async with played(peer, secrets) as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.AUTH_FAILED
    assert "Protocol authentication error" in str(error)


async def test_errors_count_even_with_status_200(secrets: Secrets) -> None:
    peer = Playback()
    peer.body = (DATA / "token_expired.json").read_bytes()
    async with played(peer, secrets) as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.AUTH_FAILED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>welcome</html>"),
        (200, b"{}"),
        (200, b'{"nodes": 3}'),
        (200, b'{"nodes": [{"name": "n1"}]}'),
        (200, b'{"nodes": [null]}'),
        (200, b'{"nodes": [], "errors": []}'),
        (200, b'{"nodes": [{"name": "n1", "state": []}]}'),
        (200, b"\xff\xfe"),
        (200, b""),
        (302, b""),
        (304, b""),
    ],
)
async def test_what_is_no_answer_of_slurmrestd_is_a_bad_reply(
    secrets: Secrets, status: int, body: bytes
) -> None:
    peer = Playback()
    peer.status, peer.body = status, body
    async with played(peer, secrets) as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.BAD_REPLY


@pytest.mark.parametrize("openapi", [b"", b"{}", b"<html>", b'{"paths": []}', b'{"paths": {}}'])
async def test_another_service_at_that_url_is_a_bad_reply(secrets: Secrets, openapi: bytes) -> None:
    peer = Playback()
    peer.openapi = openapi
    async with played(peer, secrets) as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.BAD_REPLY


NO_DATABASE = json.dumps(
    {
        "errors": [
            {
                "description": "openapi_get_db_conn() failed to open slurmdb connection",
                "error_number": 7000,
                "error": "Unable to connect to database",
            }
        ],
        "nodes": [],
    }
).encode()
NOT_HERE = json.dumps({"errors": [{"error": "Unable to find requested URL"}]}).encode()
TRUNCATED = b'{"nodes": [{"name": "n01", "state": ["IDLE"]}, {"name": "n0'


@pytest.mark.parametrize(
    "refused",
    [
        (500, NO_DATABASE),
        (200, NO_DATABASE),
        (200, TRUNCATED),
        (404, b"no such"),
        (404, NOT_HERE),
        (500, NOT_HERE),
        (501, b""),
    ],
)
async def test_a_version_that_cannot_answer_is_passed_over_and_the_older_one_remembered(
    secrets: Secrets, refused: tuple[int, bytes]
) -> None:
    peer = Playback()
    peer.refused = {"v0.0.42": refused}
    async with played(peer, secrets) as scheduler:
        assert states(await scheduler.read()) == SIX
        assert states(await scheduler.read()) == SIX
    assert peer.requests[:3] == ["/openapi/v3", "/slurm/v0.0.42/nodes/", "/slurm/v0.0.41/nodes/"]
    assert len(peer.requests) == 4
    assert peer.requests[3].startswith("/slurm/v0.0.41/nodes/?update_time=")


async def test_the_newest_version_is_tried_again_in_time_and_kept_where_slurmdbd_is_back(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm 23.11 refuses v0.0.40, its newest one, while slurmdbd is down."""
    down = (DATA.parent / "slurm-23.11" / "nodes_without_slurmdbd_v0.0.40.json").read_bytes()
    peer = Playback()
    peer.versions = ["v0.0.38", "v0.0.39", "v0.0.40"]
    peer.refused = {"v0.0.40": (500, down)}
    async with played(peer, secrets) as scheduler:
        assert states(await scheduler.read()) == SIX
        monkeypatch.setattr(rest, "BEST_AGAIN_S", 0.0)
        assert states(await scheduler.read()) == SIX
        peer.refused = {}
        for _ in range(2):
            assert states(await scheduler.read()) == SIX
    newest, older = "/slurm/v0.0.40/nodes/", "/slurm/v0.0.39/nodes/"
    since = f"?update_time={peer.changed_s}"
    assert peer.requests[1:] == [newest, older, newest, older, newest, newest + since]


async def test_where_every_version_wants_slurmdbd_the_message_names_version_and_remedy(
    secrets: Secrets,
) -> None:
    peer = Playback()
    peer.refused = dict.fromkeys(peer.versions, (500, NO_DATABASE))
    async with played(peer, secrets) as scheduler:
        error = await failure(scheduler)
        first = list(peer.requests)
        await failure(scheduler)
    assert error.reason is Reason.BAD_REPLY
    for words in (
        "v0.0.42",
        "slurmdbd",
        "2 older versions failed too",
    ):
        assert words in str(error)
    assert "`slurm.rest.version`" in (error.remedy or "")
    assert peer.requests[len(first) :] == first[1:]  # the description, which is large, is kept


async def test_an_older_version_that_is_refused_too_later_on_is_negotiated_again(
    secrets: Secrets,
) -> None:
    peer = Playback()
    peer.refused = {"v0.0.42": (500, NO_DATABASE)}
    async with played(peer, secrets) as scheduler:
        await scheduler.read()
        peer.refused = {"v0.0.41": (500, NO_DATABASE)}
        assert states(await scheduler.read()) == SIX
    assert peer.requests[-1].startswith("/slurm/v0.0.42/nodes/")


@pytest.mark.parametrize("words", [b"no such", NOT_HERE])
async def test_after_an_upgrade_that_offers_none_of_the_versions_new_ones_are_read(
    secrets: Secrets, words: bytes
) -> None:
    peer = Playback()
    peer.versions = ["v0.0.38", "v0.0.39", "v0.0.40"]
    async with played(peer, secrets) as scheduler:
        await scheduler.read()
        peer.refused = dict.fromkeys(peer.versions, (404, words))
        peer.versions = [*peer.versions, "v0.0.41", "v0.0.42", "v0.0.43"]
        assert states(await scheduler.read()) == SIX
    assert peer.requests[-1].startswith("/slurm/v0.0.43/nodes/")


async def test_words_that_every_version_would_have_are_not_tried_with_older_ones(
    secrets: Secrets,
) -> None:
    peer = Playback()
    peer.refused = {"v0.0.42": (500, b'{"errors": [{"error": "Unable to contact slurmctld"}]}')}
    async with played(peer, secrets) as scheduler:
        assert (await failure(scheduler)).reason is Reason.UNREACHABLE
    assert peer.requests == ["/openapi/v3", "/slurm/v0.0.42/nodes/"]


async def test_a_version_that_the_document_names_is_the_only_one_requested(
    secrets: Secrets,
) -> None:
    peer = Playback()
    async with played(peer, secrets, version="v0.0.41") as scheduler:
        assert states(await scheduler.read()) == SIX
    assert peer.requests == ["/slurm/v0.0.41/nodes"]


async def test_a_version_that_the_document_names_and_slurmrestd_does_not_offer_is_named_in_the_message(
    secrets: Secrets,
) -> None:
    async with played(Playback(), secrets, version="v0.0.38") as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.BAD_REPLY
    assert "v0.0.38" in str(error)


async def test_the_answer_of_another_cluster_is_a_bad_reply_that_names_it(
    secrets: Secrets,
) -> None:
    async with played(Playback(), secrets, cluster="alpha") as scheduler:
        assert states(await scheduler.read()) == SIX
    async with played(Playback(), secrets, cluster="beta") as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.BAD_REPLY
    assert "alpha" in str(error)


async def test_headers_of_the_document_are_sent_and_those_in_secrets_may_rotate(
    secrets: Secrets, tmp_path: Path
) -> None:
    peer = Playback()
    file = tmp_path / "slurm" / "header"
    file.write_text("Bearer one\n")
    headers = (
        HeaderOptions("X-Scope-OrgID", "hpc"),
        HeaderOptions("Authorization", secret=SecretKey("slurm", "header")),
    )
    async with played(peer, secrets, headers=headers) as scheduler:
        await scheduler.read()
        file.write_text("Bearer two\n")
        await scheduler.read()
    assert {one["X-Scope-OrgID"] for one in peer.headers} == {"hpc"}
    assert [one["Authorization"] for one in peer.headers] == ["Bearer one"] * 2 + ["Bearer two"]


async def test_a_token_in_a_header_for_a_gateway_has_times_and_the_first_to_expire_counts(
    secrets: Secrets, tmp_path: Path
) -> None:
    """Each of the two tokens ends the polls when it expires."""
    header, own = tmp_path / "slurm" / "header", tmp_path / "slurm" / "token"
    headers = (HeaderOptions("Authorization", secret=SecretKey("slurm", "header")),)
    gateway, slurm = sign_jwt(b"theirs", "watt", 1_000, 600), sign_jwt(b"ours", "watt", 1_100, 900)
    later = sign_jwt(b"theirs", "watt", 1_500, 600)
    for in_header, in_secret, times in (
        (f"Bearer {gateway}", slurm, (1_000, 1_600)),
        (f"Bearer {later}", slurm, (1_100, 2_000)),
        (f"Bearer {gateway}", "opaque", (1_000, 1_600)),
        ("Basic dXNlcjpwYXNz", "opaque", (None, None)),
    ):
        header.write_text(in_header)
        own.write_text(in_secret)
        async with played(Playback(), secrets, headers=headers) as scheduler:
            snapshot = await scheduler.read()
        assert (snapshot.token_issued_at_s, snapshot.token_expires_at_s) == times


async def test_a_header_that_is_no_line_of_text_is_credentials_missing_and_not_shown(
    secrets: Secrets, tmp_path: Path
) -> None:
    (tmp_path / "slurm" / "header").write_bytes(b"hush\r\nX-Other: 1")
    headers = (HeaderOptions("Authorization", secret=SecretKey("slurm", "header")),)
    async with played(Playback(), secrets, headers=headers) as scheduler:
        error = await failure(scheduler)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "hush" not in str(error)


async def test_a_large_answer_about_jobs_is_read_in_pieces_with_none_missing(
    secrets: Secrets,
) -> None:
    peer = Playback()
    answer = json.loads(peer.jobs)
    records = answer["jobs"]
    answer["jobs"] = [
        record | {"job_id": 1000 * number + record["job_id"]}
        for number in range(120)
        for record in records
    ]
    peer.jobs = json.dumps(answer, indent=2).encode()
    assert len(peer.jobs) > 3 * BLOCK_BYTES
    async with serving(peer) as url:
        options = SlurmRestOptions(url, token=TOKEN)
        async with asking(options, secrets, jobs=True) as scheduler:
            snapshot = await scheduler.read()
    assert snapshot.note == ""
    assert snapshot.jobs is not None
    assert (len(snapshot.jobs), snapshot.unread_jobs) == (len(answer["jobs"]), 0)
    assert len({job.id for job in snapshot.jobs if not job.array}) == 120 * len(
        [record for record in records if not record["array_job_id"]["number"]]
    )


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        (b'{"jobs": [' + b" " * 2 * MAX_BYTES, "32 MiB without the end of a job"),
        (b"[" * (4 * BLOCK_BYTES), "not as slurmrestd should spell it"),
        (b'{"jobs": [{"job_id": 1}, {"job_id": ', "not as slurmrestd should spell it"),
    ],
    ids=["no end", "no object", "cut"],
)
async def test_an_answer_about_jobs_that_is_none_leaves_them_unknown_with_the_reason(
    secrets: Secrets, jobs: bytes, words: str
) -> None:
    peer = Playback()
    peer.jobs = jobs
    async with serving(peer) as url:
        options = SlurmRestOptions(url, token=TOKEN)
        async with asking(options, secrets, jobs=True) as scheduler:
            snapshot = await scheduler.read()
    assert states(snapshot) == SIX
    assert snapshot.jobs is None
    assert "jobs are not known: bad_reply" in snapshot.note
    assert words in snapshot.note


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, b"<html><title>gone</title></html>"), "bad_reply"),
        ((200, b"<html><title>log in</title></html>"), "bad_reply"),
        ((200, b'{"licenses": null, "errors": []}'), "bad_reply"),
        ((500, b'{"errors": [{"error": "Unable to contact slurm controller"}]}'), "unreachable"),
        ((200, b'{"errors": [{"error": "Access/permission denied"}]}'), "privilege_insufficient"),
    ],
)
async def test_a_subject_that_is_refused_is_not_known_and_costs_no_node(
    secrets: Secrets, answer: tuple[int, bytes], words: str
) -> None:
    peer = Playback()
    async with serving(peer) as url:
        options = SlurmRestOptions(url, token=TOKEN)
        async with asking(options, secrets, subjects=[LICENSES]) as scheduler:
            known = await scheduler.read()
            peer.licenses = answer
            refused = await scheduler.read()
    assert [one.name for one in known.licenses or ()] == ["ansys", "matlab"]
    assert known.user == "root"
    assert states(refused) == SIX
    assert refused.licenses is None
    assert f"licences are not known: {words}: " in refused.note
