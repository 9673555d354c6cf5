"""Nova and Placement as they were captured: every microversion gives the same nodes and jobs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.exporter.schedulers.openstack.documents import PROJECT, reading, write
from tests.exporter.schedulers.openstack.replayed_cloud import (
    PROVIDER,
    ReplayedCloud,
    answering,
    captured,
    replayed_cloud,
)

LOOPS = ("attended",)
MIB = 2**20
HYPERVISORS = "/compute/v2.1/os-hypervisors/detail"
SERVERS = "/compute/v2.1/servers/detail"
TOKENS = "/identity/v3/auth/tokens"
NODE = SchedulerNode(
    "allocated",
    "allocated",
    total=Resources(1000, 800_000 * MIB),
    allocated=Resources(8, 2560 * MIB),
)


@pytest.fixture
async def nova(tmp_path: Path) -> AsyncIterator[ReplayedCloud]:
    write(tmp_path, username="admin", password="secret")
    async with replayed_cloud() as cloud:
        yield cloud


async def read(cloud: ReplayedCloud, directory: Path, more: str = "") -> SchedulerSnapshot:
    async with reading(cloud.auth_url, directory, PROJECT, more) as reader:
        return await reader.read()


async def failure(cloud: ReplayedCloud, directory: Path, more: str = "") -> ReadError:
    with pytest.raises(ReadError) as caught:
        await read(cloud, directory, more)
    assert "token-" not in str(caught.value)
    return caught.value


def on_vm(cpus: int, mebibytes: int) -> Resources:
    return Resources(cpus, mebibytes * MIB, ())


@pytest.mark.parametrize("version", ["2.1", "2.53", "2.87", "2.88", "2.96", "2.104"])
async def test_every_microversion_gives_the_same_node(
    nova: ReplayedCloud, tmp_path: Path, version: str
) -> None:
    snapshot = await read(nova, tmp_path, f'computeDefaultMicroversion: "{version}"')
    assert snapshot.nodes == {"vm": NODE}
    assert snapshot.version == f"compute {version}"
    assert (snapshot.unread, snapshot.unread_jobs) == (0, 0)


async def test_servers_are_jobs_with_users_and_projects_by_name(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    jobs = (await read(nova, tmp_path)).jobs or ()
    small, large = on_vm(2, 512), on_vm(4, 1024)
    found = {job.user: job for job in jobs}
    assert {user: (job.account, job.allocated) for user, job in found.items()} == {
        "alice": ("hpc", small),
        "bob": ("hpc", small),
        "carol": ("ml", large),
    }
    assert found["carol"] == Job(
        "c4487de2-5dfe-4587-a33f-9df5727a3fce",
        "running",
        user="carol",
        account="ml",
        submitted_at_s=1795222730,
        started_at_s=1795222730,
        allocated=large,
        nodes=("vm",),
        per_node=(large,),
    )


async def test_servers_are_not_requested_where_no_metric_is_made_of_them(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    metrics = "metrics: {jobs: false, partitions: false, users: false, accounts: false}"
    async with reading(nova.auth_url, tmp_path, PROJECT, beside=metrics) as reader:
        snapshot = await reader.read()
    assert (snapshot.jobs, snapshot.nodes) == (None, {"vm": NODE})
    assert not [line for line in nova.requests if SERVERS in line]


async def test_a_flavor_that_is_only_an_id_has_no_amount(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    jobs = (await read(nova, tmp_path, 'computeDefaultMicroversion: "2.1"')).jobs or ()
    assert [(job.state, job.allocated, job.nodes) for job in jobs] == [
        ("running", None, ("vm",))
    ] * 3


@pytest.mark.parametrize(
    ("versions", "used"),
    [(((2, 1), (2, 104)), "2.87"), (((2, 1), (2, 38)), "2.38"), (((2, 90), (2, 120)), "2.90")],
)
async def test_the_nearest_microversion_that_nova_has_is_used(
    nova: ReplayedCloud,
    tmp_path: Path,
    versions: tuple[tuple[int, int], tuple[int, int]],
    used: str,
) -> None:
    nova.versions = versions
    snapshot = await read(nova, tmp_path)
    assert (snapshot.version, snapshot.nodes) == (f"compute {used}", {"vm": NODE})


async def test_a_nova_that_is_upgraded_between_readings_is_negotiated_once_more(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    async with reading(nova.auth_url, tmp_path, PROJECT) as reader:
        await reader.read()
        nova.versions = ((2, 90), (2, 120))
        with pytest.raises(ReadError, match=r"2\.87"):
            await reader.read()
        assert (await reader.read()).version == "compute 2.90"


async def test_a_microversion_of_the_document_that_nova_lacks_is_a_bad_reply_with_its_words(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    error = await failure(nova, tmp_path, 'computeDefaultMicroversion: "2.999"')
    assert error.reason is Reason.BAD_REPLY
    assert "maximum is 2.104" in str(error)


async def test_a_provider_is_read_again_only_when_its_generation_changes(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    async with reading(
        nova.auth_url, tmp_path, PROJECT, 'computeDefaultMicroversion: "2.96"'
    ) as reader:
        await reader.read()
        nova.requests.clear()
        assert (await reader.read()).nodes == {"vm": NODE}
        assert not [line for line in nova.requests if "usages" in line]
        providers = captured("resource_providers")
        providers["resource_providers"][0]["generation"] = 7
        nova.routes["/placement/resource_providers"] = answering(providers)
        usages = {**captured("usages"), "resource_provider_generation": 7}
        nova.routes[f"/placement/resource_providers/{PROVIDER}/usages"] = answering(usages)
        (node,) = (await reader.read()).nodes.values()
        assert node.total is None  # inventory and usage are of two generations
        assert node.state == "allocated"


async def test_hypervisors_without_placement_have_states_and_no_amounts(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    content = captured("token")
    content["token"]["catalog"] = [
        {
            "type": "compute",
            "endpoints": [
                {"interface": "public", "region": "R", "url": f"{nova.url}/compute/v2.1"}
            ],
        }
    ]
    nova.routes[TOKENS] = answering(content, 201, {"X-Subject-Token": "token-x"})
    snapshot = await read(nova, tmp_path, 'computeDefaultMicroversion: "2.96", regionName: R')
    assert snapshot.nodes == {"vm": SchedulerNode("allocated", "allocated")}
    assert snapshot.cluster == "R"


async def test_pages_are_followed_to_the_endpoint_of_the_catalog(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    (one,) = captured("hypervisors_2.1")["hypervisors"]

    def page(request: web.Request) -> web.Response:
        number = int(request.query.get("marker", "0"))
        link = {"rel": "next", "href": f"http://inside.invalid/v2.1/x?marker={number + 1}"}
        named = {**one, "hypervisor_hostname": f"n{number}"}
        links = [link] if number < 4 else []
        return web.json_response({"hypervisors": [named], "hypervisors_links": links})

    nova.routes[HYPERVISORS] = page
    snapshot = await read(nova, tmp_path)
    assert set(snapshot.nodes) == {f"n{number}" for number in range(5)}


async def test_pages_in_a_circle_are_a_bad_reply(nova: ReplayedCloud, tmp_path: Path) -> None:
    link = {"rel": "next", "href": "http://x/?marker=1"}
    nova.routes[HYPERVISORS] = answering({"hypervisors": [], "hypervisors_links": [link]})
    error = await failure(nova, tmp_path)
    assert error.reason is Reason.BAD_REPLY
    assert "has no end" in str(error)


@pytest.mark.parametrize(
    ("path", "content", "status", "reason", "words"),
    [
        (HYPERVISORS, "<html><title>Log in</title>", 200, Reason.BAD_REPLY, "HTML (Log in)"),
        (HYPERVISORS, "{", 200, Reason.BAD_REPLY, "malformed"),
        (HYPERVISORS, {"choices": []}, 300, Reason.BAD_REPLY, "URL of the service"),
        (HYPERVISORS, {"servers": []}, 200, Reason.BAD_REPLY, "hypervisors"),
        (
            HYPERVISORS,
            {"forbidden": {"message": "Policy doesn't allow os_compute_api:os-hypervisors"}},
            403,
            Reason.PRIVILEGE_INSUFFICIENT,
            "Policy doesn't allow",
        ),
        (SERVERS, {"computeFault": {"message": "oops"}}, 500, Reason.BAD_REPLY, "oops"),
        (SERVERS, "Service Unavailable", 503, Reason.UNREACHABLE, "overloaded or down"),
        (TOKENS, "<h1>It works!</h1>", 200, Reason.BAD_REPLY, "authURL"),
        (TOKENS, "<h1>It works!</h1>", 201, Reason.BAD_REPLY, "HTML"),
        (TOKENS, {"versions": {}}, 300, Reason.BAD_REPLY, "URL of the service"),
        (TOKENS, {"token": {"expires_at": "x", "issued_at": "y"}}, 201, Reason.BAD_REPLY, "malf"),
        (TOKENS, {"error": {"message": "no v3"}}, 404, Reason.BAD_REPLY, "no v3"),
        (TOKENS, {"error": {"message": "later"}}, 503, Reason.UNREACHABLE, "later"),
    ],
)
async def test_what_is_no_answer_has_its_reason(
    nova: ReplayedCloud,
    tmp_path: Path,
    path: str,
    content: Any,
    status: int,
    reason: Reason,
    words: str,
) -> None:
    nova.routes[path] = answering(content, status)
    error = await failure(nova, tmp_path)
    assert error.reason is reason
    assert words in str(error)


async def test_a_token_that_is_refused_once_more_is_auth_failed_after_two_requests(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    nova.routes[HYPERVISORS] = answering({"error": {"message": "no"}}, 401)
    error = await failure(nova, tmp_path)
    assert error.reason is Reason.AUTH_FAILED
    assert sum(HYPERVISORS in line for line in nova.requests) == 2
    assert nova.tokens == 2


async def test_a_response_without_a_token_is_a_bad_reply(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    nova.routes[TOKENS] = answering(captured("token"), 201)
    assert "X-Subject-Token" in str(await failure(nova, tmp_path))


async def test_an_empty_catalog_is_a_bad_reply_that_asks_for_a_role(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    content = captured("token")
    content["token"]["catalog"] = []
    nova.routes[TOKENS] = answering(content, 201, {"X-Subject-Token": "token-x"})
    assert "does the user have a role?" in str(await failure(nova, tmp_path))


async def test_one_bad_record_hides_no_other_and_is_counted(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    (one,) = captured("hypervisors_2.1")["hypervisors"]
    enrolling = dict.fromkeys(one) | {
        "hypervisor_hostname": "n1",
        "state": "up",
        "status": "enabled",
    }
    records = [one, enrolling, {**one, "hypervisor_hostname": None}, True, [], "x"]
    nova.routes[HYPERVISORS] = answering({"hypervisors": records})
    servers = [*captured("servers_2.96")["servers"], {"id": None}, 3]
    nova.routes[SERVERS] = answering({"servers": servers})
    snapshot = await read(nova, tmp_path)
    assert snapshot.nodes == {"vm": NODE, "n1": SchedulerNode("unknown", "unknown")}
    assert (snapshot.unread, snapshot.unread_jobs) == (4, 2)
    assert "one without a name" in snapshot.note


async def test_two_hypervisors_of_one_name_are_unread(nova: ReplayedCloud, tmp_path: Path) -> None:
    (one,) = captured("hypervisors_2.1")["hypervisors"]
    records = [one, {**one, "running_vms": 0}, {**one, "hypervisor_hostname": "n1"}]
    nova.routes[HYPERVISORS] = answering({"hypervisors": records})
    snapshot = await read(nova, tmp_path)
    assert (set(snapshot.nodes), snapshot.unread) == ({"n1"}, 2)


async def test_names_that_a_role_may_not_read_stay_ids_and_are_requested_once(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    for one in captured("users")["users"]:
        nova.routes[f"/identity/v3/users/{one['id']}"] = answering({}, 403)
    snapshot = await read(nova, tmp_path)
    assert all(len(job.user) == 32 for job in snapshot.jobs or ())
    assert {job.account for job in snapshot.jobs or ()} == {"hpc", "ml"}
    assert sum("/users/" in line for line in nova.requests) == 1


async def test_users_of_one_name_in_two_domains_stay_ids(
    nova: ReplayedCloud, tmp_path: Path
) -> None:
    ids = {one["name"]: one["id"] for one in captured("users")["users"]}
    nova.routes[f"/identity/v3/users/{ids['bob']}"] = answering({"user": {"name": "alice"}})
    snapshot = await read(nova, tmp_path)
    assert {job.user for job in snapshot.jobs or ()} == {ids["alice"], ids["bob"], "carol"}
