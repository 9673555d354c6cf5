"""Clouds of documents, with their Secrets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rackwatt_crds.schedulers.openstack import Openstack
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.openstack.cloud import Cloud, openstack_scheduler
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.bindings import resolved

SYSTEM = "password: {secretRef: {name: openstack}, systemScope: all}"
PROJECT = "password: {secretRef: {name: openstack}, projectName: admin}"
APPLICATION = "applicationCredential: {secretRef: {name: openstack}}"


def write(directory: Path, **keys: str) -> None:
    """Write the Secret `openstack`."""
    (directory / "openstack").mkdir(exist_ok=True)
    for key, value in keys.items():
        (directory / "openstack" / key).write_text(value + "\n")


@asynccontextmanager
async def reading(
    auth_url: str, directory: Path, login: str = SYSTEM, more: str = "", beside: str = ""
) -> AsyncIterator[Cloud]:
    """Make the reader of a document's cloud."""
    spec = f"timeout: {PATIENCE_S:.0f}s, openstack: {{authURL: '{auth_url}', {login}, {more}}}, {beside}"
    config = resolved(spec)
    assert isinstance(config.settings, Openstack)
    cloud = openstack_scheduler(config, Secrets(directory))
    try:
        yield cloud
    finally:
        await cloud.close()
