"""Bare-metal nodes through a real Keystone and a real Ironic; the oracle is Ironic itself."""

import uuid
from pathlib import Path

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.openstack.keystone import Token
from tests.exporter.schedulers.openstack.conftest import BROKEN, REASON, WORDS
from tests.exporter.schedulers.openstack.documents import (
    APPLICATION,
    PROJECT,
    SYSTEM,
    reading,
    write,
)
from tests.exporter.schedulers.snapshots import states
from tests.peers.openstack.cloud import PAGE, REGION, OpenstackCloud

LOOPS = ("attended",)
WHOLE = Resources(64, 256_000 * 2**20)
NOTHING = Resources(0, 0)


def as_admin(cloud: OpenstackCloud, directory: Path) -> None:
    write(directory, username="admin", password=cloud.password)


async def failure(
    cloud: OpenstackCloud, directory: Path, login: str = SYSTEM, more: str = ""
) -> ReadError:
    async with reading(cloud.auth_url, directory, login, more) as reader:
        with pytest.raises(ReadError) as caught:
            await reader.read()
    assert cloud.password not in str(caught.value)
    return caught.value


async def token_of(reader: object) -> Token:
    token: Token = await reader._keystone.token()  # type: ignore[attr-defined]
    return token


async def test_every_state_of_a_real_ironic_is_read_page_by_page(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    as_admin(cloud, tmp_path)
    async with reading(cloud.auth_url, tmp_path) as reader:
        snapshot = await reader.read()
    assert len(WORDS) > PAGE
    assert states(snapshot) == WORDS
    assert (snapshot.unread, snapshot.jobs) == (0, None)


async def test_amounts_flags_and_reasons_of_a_real_ironic_are_its_own(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    as_admin(cloud, tmp_path)
    async with reading(cloud.auth_url, tmp_path) as reader:
        nodes = (await reader.read()).nodes
    assert {name: node.reason for name, node in nodes.items() if node.reason} == dict.fromkeys(
        BROKEN, REASON
    )
    assert all(node.total == WHOLE for node in nodes.values())
    assert nodes["busy"].allocated == nodes["draining"].allocated == WHOLE
    assert nodes["idle"].allocated == nodes["off"].allocated == NOTHING
    assert nodes["draining"].flags == ("drain", "maintenance")
    assert nodes["idle"].features == ("baremetal",)


async def test_an_application_credential_of_a_project_sees_what_the_project_owns(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    number, secret = cloud.application_credential(uuid.uuid4().hex)
    write(tmp_path, application_credential_id=number, application_credential_secret=secret)
    error = await failure(cloud, tmp_path, APPLICATION)
    assert error.reason is Reason.BAD_REPLY
    assert "systemScope" in str(error)
    (node,) = (n for n in cloud.ironic("GET", "/nodes?limit=1")["nodes"])
    owner = {"op": "add", "path": "/owner", "value": cloud.project("admin")}
    cloud.ironic("PATCH", f"/nodes/{node['uuid']}", [owner])
    try:
        async with reading(cloud.auth_url, tmp_path, APPLICATION) as reader:
            assert list((await reader.read()).nodes) == [node["name"]]
    finally:
        cloud.ironic("PATCH", f"/nodes/{node['uuid']}", [{"op": "remove", "path": "/owner"}])


@pytest.mark.parametrize(
    ("roles", "project", "login"),
    [
        (("reader",), None, SYSTEM),
        (("admin", "service"), "service", PROJECT.replace("admin", "service")),
    ],
)
async def test_a_reader_of_the_system_and_a_service_of_its_project_see_all_nodes(
    cloud: OpenstackCloud, tmp_path: Path, roles: tuple[str, ...], project: str | None, login: str
) -> None:
    name = uuid.uuid4().hex
    cloud.user(name, "secret", *roles, project=project)
    write(tmp_path, username=name, password="secret")
    async with reading(cloud.auth_url, tmp_path, login) as reader:
        assert states(await reader.read()) == WORDS


async def test_keystones_url_may_lack_its_version(cloud: OpenstackCloud, tmp_path: Path) -> None:
    as_admin(cloud, tmp_path)
    async with reading(cloud.auth_url.removesuffix("/v3"), tmp_path) as reader:
        assert states(await reader.read()) == WORDS


async def test_a_revoked_token_is_replaced_within_the_reading(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    as_admin(cloud, tmp_path)
    async with reading(cloud.auth_url, tmp_path) as reader:
        await reader.read()
        token = await token_of(reader)
        cloud.keystone("DELETE", "/auth/tokens", **{"X-Subject-Token": token.text})
        assert states(await reader.read()) == WORDS
        assert await token_of(reader) != token


async def test_a_token_is_kept_between_readings(cloud: OpenstackCloud, tmp_path: Path) -> None:
    as_admin(cloud, tmp_path)
    async with reading(cloud.auth_url, tmp_path) as reader:
        await reader.read()
        token = await token_of(reader)
        await reader.read()
        assert await token_of(reader) is token


async def test_a_wrong_password_is_auth_failed_and_the_right_one_counts_once_it_is_there(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    write(tmp_path, username="admin", password="wrong")
    async with reading(cloud.auth_url, tmp_path) as reader:
        with pytest.raises(ReadError) as caught:
            await reader.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        assert "wrong" not in str(caught.value)
        as_admin(cloud, tmp_path)
        assert states(await reader.read()) == WORDS


@pytest.mark.parametrize(
    "login",
    [
        "password: {secretRef: {name: openstack}, projectName: nosuch}",
        "password: {secretRef: {name: openstack}, projectName: admin, projectDomainName: nosuch}",
        "password: {secretRef: {name: openstack}, systemScope: all, userDomainName: nosuch}",
    ],
)
async def test_a_project_or_domain_that_does_not_exist_is_auth_failed(
    cloud: OpenstackCloud, tmp_path: Path, login: str
) -> None:
    as_admin(cloud, tmp_path)
    assert (await failure(cloud, tmp_path, login)).reason is Reason.AUTH_FAILED


async def test_a_missing_secret_is_credentials_missing(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    error = await failure(cloud, tmp_path)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "username" in str(error)


async def test_a_service_that_the_catalog_lacks_is_named_with_those_that_it_has(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    as_admin(cloud, tmp_path)
    error = await failure(cloud, tmp_path, more="services: [compute]")
    assert error.reason is Reason.BAD_REPLY
    assert "no compute of interface public" in str(error)
    assert f"baremetal (public, {REGION})" in str(error)


@pytest.mark.parametrize("more", ["interface: internal", "regionName: elsewhere"])
async def test_an_interface_or_region_without_services_is_named(
    cloud: OpenstackCloud, tmp_path: Path, more: str
) -> None:
    as_admin(cloud, tmp_path)
    error = await failure(cloud, tmp_path, more=more)
    assert "no compute and no baremetal" in str(error)
    assert more.split(": ")[1] in str(error)


async def test_an_endpoint_of_the_document_replaces_that_of_the_catalog(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    as_admin(cloud, tmp_path)
    more = f"interface: internal, endpoints: {{baremetal: '{cloud.ironic_url}/'}}"
    async with reading(cloud.auth_url, tmp_path, more=more) as reader:
        assert states(await reader.read()) == WORDS


async def test_names_of_users_and_projects_are_those_of_keystone(
    cloud: OpenstackCloud, tmp_path: Path
) -> None:
    as_admin(cloud, tmp_path)
    async with reading(cloud.auth_url, tmp_path, PROJECT) as reader:
        projects = await reader._projects.read([cloud.project("admin"), "gone", ""])
    assert projects == {cloud.project("admin"): "admin", "gone": "gone"}
