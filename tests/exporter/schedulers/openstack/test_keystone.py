"""When a token is renewed, by a clock of the test."""

from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.openstack.keystone import RENEWED_AFTER, Keystone
from rackwatt_exporter.schedulers.openstack.options import (
    ApplicationCredentialOptions,
    OpenstackOptions,
    PasswordOptions,
)
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.openstack.documents import write
from tests.exporter.schedulers.openstack.replayed_cloud import replayed_cloud

LOOPS = ("attended",)
LIFE_S = 3600  # of the captured token
LOGIN = PasswordOptions("openstack", project_name="admin")


async def test_a_token_is_renewed_when_most_of_its_life_is_over(tmp_path: Path) -> None:
    write(tmp_path, username="admin", password="secret")
    now_s = 1000.0
    async with replayed_cloud() as cloud:
        options = OpenstackOptions(cloud.auth_url, LOGIN)
        keystone = Keystone(options, Secrets(tmp_path), PATIENCE_S, clock=lambda: now_s)
        first = await keystone.token()
        assert first.life_s == LIFE_S
        now_s += RENEWED_AFTER * LIFE_S - 1
        assert await keystone.token() is first
        now_s += 1
        assert (await keystone.token()).text == "token-2"
        await keystone.close()


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        (
            LOGIN,
            {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {"name": "bob", "domain": {"name": "Default"}, "password": "p ä"}
                    },
                },
                "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}},
            },
        ),
        (
            ApplicationCredentialOptions("openstack"),
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": "i", "secret": "s"},
                }
            },
        ),
    ],
)
async def test_a_log_in_is_as_the_identity_api_has_it(
    tmp_path: Path, login: PasswordOptions | ApplicationCredentialOptions, sent: object
) -> None:
    write(tmp_path, username="bob", password="p ä")
    write(tmp_path, application_credential_id="i", application_credential_secret="s")
    async with replayed_cloud() as cloud:
        options = OpenstackOptions(cloud.auth_url, login)
        keystone = Keystone(options, Secrets(tmp_path), PATIENCE_S)
        await keystone.token()
        await keystone.close()
        assert cloud.logins == [{"auth": sent}]


async def test_a_secret_that_is_no_text_is_credentials_missing(tmp_path: Path) -> None:
    write(tmp_path, username="admin")
    (tmp_path / "openstack/password").write_bytes(b"\xff\xfe")
    keystone = Keystone(
        OpenstackOptions("http://127.0.0.1:1/v3", LOGIN), Secrets(tmp_path), PATIENCE_S
    )
    with pytest.raises(ReadError) as caught:
        await keystone.token()
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "password" in str(caught.value)
