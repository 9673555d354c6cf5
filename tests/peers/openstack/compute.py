"""Start Nova's API and Placement beside Keystone and Ironic, with hypervisors of a test."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scripts.peers import python
from tests.eventually import until
from tests.peers.openstack.cloud import PROJECT, OpenstackCloud, running
from tests.peers.ports import free_ports

TOKENS = """
[keystone_authtoken]
www_authenticate_uri = {auth_url}
auth_url = {auth_url}
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = admin
username = admin
password = {password}
token_cache_time = -1
"""
NOVA = """
[DEFAULT]
log_file = {directory}/nova.log
my_ip = 127.0.0.1
transport_url = fake://
compute_driver = fake.FakeDriver
state_path = {directory}
service_down_time = 21600
[api]
auth_strategy = keystone
max_limit = {page}
[api_database]
connection = sqlite:///{directory}/api.db
[database]
connection = sqlite:///{directory}/cell1.db
[oslo_concurrency]
lock_path = {directory}/lock
"""
PLACEMENT = """
[DEFAULT]
log_file = {directory}/placement.log
[placement_database]
connection = sqlite:///{directory}/placement.db
sync_on_startup = true
[api]
auth_strategy = keystone
"""
PAGE = 2  # hypervisors in one response of Nova
VERSION = {"OpenStack-API-Version": "placement 1.39"}


@contextmanager
def compute(
    cloud: OpenstackCloud, directory: Path, hypervisors: Sequence[dict[str, Any]]
) -> Iterator[None]:
    """Run Nova and Placement until the block ends; both are in the catalog.

    A hypervisor has `name`, `uuid`, and what of the fields of `nova_server.write` is to be another;
    Placement has the same 64 vCPUs and memory, and allocates `vcpus_used`.
    """
    nova_port, placement_port = free_ports(2)
    directory.mkdir()
    tokens = TOKENS.format(auth_url=cloud.auth_url, password=cloud.password)
    for name, text in (("nova", NOVA), ("placement", PLACEMENT)):
        content = text.format(directory=directory, page=PAGE) + tokens
        (directory / f"{name}.conf").write_text(content)
    shutil.copy(python("openstack").parents[1] / "etc/nova/api-paste.ini", directory)
    listed = directory / "hypervisors.json"
    listed.write_text(json.dumps(hypervisors))
    cell0 = f"sqlite:///{directory}/cell0.db"
    urls = [f"http://127.0.0.1:{port}" for port in (nova_port, placement_port)]
    programs = (
        ("nova_server.py", str(directory), str(nova_port), cell0, str(listed)),
        ("placement_server.py", str(directory), str(placement_port)),
    )
    with ExitStack() as stack:
        started = [
            stack.enter_context(running(program, os.environ, directory / f"{program[0]}.out"))
            for program in programs
        ]
        stack.enter_context(cloud.registered("compute", f"{urls[0]}/v2.1"))
        stack.enter_context(cloud.registered("placement", urls[1]))
        until(lambda: all(answers(url) for answers, url in zip(started, urls, strict=True)))
        for one in hypervisors:
            _provide(cloud, urls[1], one)
        yield


def _provide(cloud: OpenstackCloud, url: str, hypervisor: dict[str, Any]) -> None:
    """Put a hypervisor into Placement, with an allocation as large as what is used of it."""
    uuid, used = hypervisor["uuid"], hypervisor.get("vcpus_used", 0)
    headers = {"X-Auth-Token": cloud.token(PROJECT), **VERSION}

    def send(method: str, path: str, content: Any) -> None:
        cloud.request(method, url + path, content, headers)

    send("POST", "/resource_providers", {"uuid": uuid, "name": hypervisor["name"]})
    inventories = {
        "VCPU": {"total": 64},
        "MEMORY_MB": {"total": 256_000, "reserved": 512},
    }
    content = {"resource_provider_generation": 0, "inventories": inventories}
    send("PUT", f"/resource_providers/{uuid}/inventories", content)
    if used:
        resources = {"VCPU": used, "MEMORY_MB": hypervisor["memory_mb_used"] - 512}
        allocation = {
            "allocations": {uuid: {"resources": resources}},
            "project_id": "p", "user_id": "u", "consumer_type": "INSTANCE",
            "consumer_generation": None,
        }  # fmt: skip
        send("PUT", f"/allocations/{uuid}", allocation)
