"""Start Keystone and Ironic on loopback, and use them as an administrator does.

Ironic has fake hardware: it does all that it does with real nodes, but for the nodes. Both have
databases of SQLite in a folder of the test, and Ironic checks each token with Keystone.
"""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from scripts.peers import python
from tests.eventually import PATIENCE_S, until
from tests.peers.ports import free_ports

REGION = "RegionOne"
PROJECT = {"project": {"name": "admin", "domain": {"name": "Default"}}}
PAGE = 3  # nodes in one response of Ironic
INTERFACES = (
    "bios", "boot", "console", "deploy", "firmware", "inspect", "management", "power", "raid",
    "rescue", "vendor",
)  # fmt: skip
KEYSTONE = """
[DEFAULT]
log_file = {directory}/keystone.log
[database]
connection = sqlite:///{directory}/keystone.db
[token]
provider = fernet
[fernet_tokens]
key_repository = {directory}/fernet
[fernet_receipts]
key_repository = {directory}/fernet
[credential]
key_repository = {directory}/credential
"""
IRONIC = """
[DEFAULT]
auth_strategy = keystone
rbac_service_role_elevated_access = true
rpc_transport = none
enabled_hardware_types = fake-hardware
{interfaces}
enabled_network_interfaces = noop
default_network_interface = noop
enabled_storage_interfaces = noop
my_ip = 127.0.0.1
host = conductor
state_path = {directory}
log_file = {directory}/ironic.log
[api]
host_ip = 127.0.0.1
port = {port}
max_limit = {page}
[conductor]
automated_clean = false
[database]
connection = sqlite:///{directory}/ironic.db
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


class OpenstackCloud:
    """A running Keystone and Ironic."""

    def __init__(self, keystone_port: int, ironic_port: int) -> None:
        self.auth_url = f"http://127.0.0.1:{keystone_port}/v3"
        self.ironic_url = f"http://127.0.0.1:{ironic_port}"
        self.password = secrets.token_hex(8)
        self._client = httpx.Client(timeout=PATIENCE_S)
        self._token = ""

    def log_in(self) -> None:
        """Log in as admin in the system scope."""
        self._token = self.token({"system": {"all": True}})

    def token(self, scope: Mapping[str, Any]) -> str:
        """Return a token of admin."""
        user = {"name": "admin", "domain": {"name": "Default"}, "password": self.password}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": scope}}
        response = self._client.post(f"{self.auth_url}/auth/tokens", json=body)
        return str(response.raise_for_status().headers["X-Subject-Token"])

    def keystone(self, method: str, path: str, content: Any = None, **headers: str) -> Any:
        """Send a request to Keystone."""
        return self.request(method, self.auth_url + path, content, headers)

    def ironic(self, method: str, path: str, content: Any = None) -> Any:
        """Send a request to Ironic."""
        headers = {"X-OpenStack-Ironic-API-Version": "1.80"}
        return self.request(method, f"{self.ironic_url}/v1{path}", content, headers)

    @contextmanager
    def registered(self, kind: str, url: str) -> Iterator[None]:
        """Have a service in the catalog until the block ends."""
        service = self.keystone("POST", "/services", {"service": {"type": kind, "name": kind}})
        number = service["service"]["id"]
        endpoint = {"service_id": number, "interface": "public", "url": url, "region_id": REGION}
        self.keystone("POST", "/endpoints", {"endpoint": endpoint})
        yield
        self.keystone("DELETE", f"/services/{number}")

    def user(self, name: str, password: str, *roles: str, project: str | None = None) -> None:
        """Create a user with roles in a project, which is created if need be, or in the system."""
        user = {"name": name, "password": password, "domain_id": "default"}
        number = self.keystone("POST", "/users", {"user": user})["user"]["id"]
        where = f"projects/{self.project(project)}" if project else "system"
        for role in roles:
            (found,) = self.keystone("GET", f"/roles?name={role}")["roles"]
            self.keystone("PUT", f"/{where}/users/{number}/roles/{found['id']}")

    def project(self, name: str) -> str:
        """Return the id of a project, which is created if need be."""
        found = self.keystone("GET", f"/projects?name={name}")["projects"]
        content = {"project": {"name": name, "domain_id": "default"}}
        made = found[0] if found else self.keystone("POST", "/projects", content)["project"]
        return str(made["id"])

    def application_credential(self, name: str) -> tuple[str, str]:
        """Create an application credential of admin in its project; return its id and secret."""
        (admin,) = self.keystone("GET", "/users?name=admin")["users"]
        path = f"/users/{admin['id']}/application_credentials"
        made = self.keystone(
            "POST",
            path,
            {"application_credential": {"name": name}},
            **{"X-Auth-Token": self.token(PROJECT)},
        )
        return made["application_credential"]["id"], made["application_credential"]["secret"]

    def node(self, name: str | None, state: str = "available", power: str = "power on") -> str:
        """Create a node of 64 CPUs and 250 GiB in a provision state; return its UUID."""
        content: dict[str, Any] = {"driver": "fake-hardware", "resource_class": "baremetal"}
        content["properties"] = {"cpus": 64, "memory_mb": 256_000}
        uuid: str = self.ironic("POST", "/nodes", content | ({"name": name} if name else {}))[
            "uuid"
        ]
        for target, reached in (
            ("manage", "manageable"),
            ("provide", "available"),
            ("active", "active"),
        ):
            if state == "enroll":
                break
            self.ironic("PUT", f"/nodes/{uuid}/states/provision", {"target": target})
            self.wait_for(uuid, provision_state=reached)
            if state == reached:
                break
        if state != "enroll":
            self.power(uuid, power)
        return uuid

    def power(self, uuid: str, state: str) -> None:
        """Turn a node on or off."""
        self.ironic("PUT", f"/nodes/{uuid}/states/power", {"target": state})
        self.wait_for(uuid, power_state=state)

    def wait_for(self, uuid: str, **fields: Any) -> None:
        """Wait until fields of a node have values."""

        def look() -> bool:
            node = self.ironic("GET", f"/nodes/{uuid}")
            return all(node[name] == value for name, value in fields.items())

        until(look)

    def close(self) -> None:
        """Close the administrator's connections."""
        self._client.close()

    def request(self, method: str, url: str, content: Any, headers: Mapping[str, str]) -> Any:
        """Send a request of the administrator; return the content of its response."""
        response = self._client.request(
            method, url, json=content, headers={"X-Auth-Token": self._token, **headers}
        )
        assert response.is_success, f"{method} {url}: {response.status_code} {response.text}"
        return response.json() if response.content else None


@contextmanager
def openstack_cloud(directory: Path) -> Iterator[OpenstackCloud]:
    """Run Keystone and Ironic until the block ends; Ironic is in the catalog."""
    keystone_port, ironic_port = free_ports(2)
    cloud = OpenstackCloud(keystone_port, ironic_port)
    for name in ("fernet", "credential"):
        (directory / name).mkdir(parents=True, mode=0o700)
    keystone, ironic = directory / "keystone.conf", directory / "ironic.conf"
    keystone.write_text(KEYSTONE.format(directory=directory))
    interfaces = "\n".join(
        f"enabled_{name}_interfaces = fake\ndefault_{name}_interface = fake" for name in INTERFACES
    )
    ironic.write_text(
        IRONIC.format(
            directory=directory, port=ironic_port, page=PAGE, auth_url=cloud.auth_url,
            interfaces=interfaces, password=cloud.password,
        )
    )  # fmt: skip
    environment = {**os.environ, "OS_BOOTSTRAP_PASSWORD": cloud.password}
    with closing(cloud), ExitStack() as stack:
        program: tuple[str, ...] = ("keystone_server.py", str(keystone), str(keystone_port), REGION)
        output = directory / "keystone.out"
        keystone_answers = stack.enter_context(running(program, environment, output))
        program, output = ("ironic_server.py", str(ironic)), directory / "ironic.out"
        ironic_answers = stack.enter_context(running(program, environment, output))
        until(lambda: keystone_answers(cloud.auth_url))
        cloud.log_in()
        stack.enter_context(cloud.registered("baremetal", cloud.ironic_url))
        until(lambda: ironic_answers(f"{cloud.ironic_url}/v1"))
        until(lambda: cloud.ironic("GET", "/drivers")["drivers"])
        yield cloud


@contextmanager
def running(
    program: tuple[str, ...], environment: Mapping[str, str], output: Path
) -> Iterator[Callable[[str], bool]]:
    """Run a program until the block ends; yield a check of whether it answers at a URL."""
    interpreter = python("openstack")
    assert interpreter.exists(), "there is no Keystone: run `make tools`"
    path = Path(__file__).with_name(program[0])
    with output.open("wb") as log:
        process = subprocess.Popen(
            [interpreter, str(path), *program[1:]],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def answers(url: str) -> bool:
        assert process.poll() is None, output.read_text()
        try:
            return httpx.get(url, timeout=PATIENCE_S).status_code < 500
        except httpx.TransportError:
            return False

    try:
        yield answers
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder, openstack_cloud(Path(folder)) as started:
        print(started.auth_url, started.password, flush=True)
        while True:
            time.sleep(60)
