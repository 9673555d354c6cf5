"""Collectors with TLS and a password, started as the plan says: read by the operator and by others."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import yaml

from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Kubectl, Manifest
from tests.cluster.cluster import Cluster
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.web.tls_files import GOS_HASH, PASSWORD
from tests.operator.controller.test_collector_status_poller import be_ready, own_address, placed
from tests.operator.kube_user import KubeUser, base, binding, fleet, object_key
from tests.operator.service_account import Account

pytestmark = pytest.mark.usefixtures("operator")

MOUNTED = "/etc/rackwatt/secrets"
WEB: Manifest = {
    "configSecretRef": {"name": "web", "key": "web.yml"},
    "certificateSecretRef": {"name": "pages-tls"},
    "tls": {"caSecretRef": {"name": "pages-tls"}},
    "credentials": {"secretRef": {"name": "reader"}},
}
CONFIG: Manifest = {
    "tls_server_config": {
        "cert_file": "../pages-tls/tls.crt",
        "key_file": "../pages-tls/tls.key",
    },
    "basic_auth_users": {"prometheus": GOS_HASH},
}

CLIENT = {"clientSecretRef": {"name": "client-tls"}}
MUTUAL = {
    "tls_server_config": {
        **CONFIG["tls_server_config"],
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": "../pages-tls/ca.crt",
        "client_allowed_sans": ["prometheus.example"],
    },
}


class Pages:
    """The Secrets of a namespace whose collectors have TLS and a password, or client certificates."""

    def __init__(
        self, kube_user: KubeUser, namespace: str, *names: str, config: Manifest = CONFIG
    ) -> None:
        self.authority = trustme.CA()
        self.secrets = {
            "web": {"web.yml": yaml.safe_dump(config).encode()},
            "pages-tls": self.issued(*(f"{name}.{namespace}.svc" for name in names)),
            "client-tls": self.issued("prometheus.example"),
            "reader": {"username": b"prometheus", "password": PASSWORD.encode()},
        }
        for name, keys in self.secrets.items():
            kube_user.create(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name, "namespace": namespace},
                    "data": {key: base64.b64encode(it).decode() for key, it in keys.items()},
                }
            )

    def issued(self, *names: str) -> dict[str, bytes]:
        """Issue a certificate, as the Secret that cert-manager makes of it."""
        made = self.authority.issue_cert(*names)
        return {
            "tls.crt": b"".join(blob.bytes() for blob in made.cert_chain_pems),
            "tls.key": made.private_key_pem.bytes(),
            "ca.crt": self.authority.cert_pem.bytes(),
        }

    def mount(self, pod: Manifest, folder: Path) -> None:
        """Write the files that the kubelet would mount into a pod to a folder."""
        for volume in pod["volumes"]:
            if name := volume.get("secret", {}).get("secretName"):
                (folder / name).mkdir(parents=True)
                for key, value in self.secrets[name].items():
                    (folder / name / key).write_bytes(value)


@contextmanager
def collector(
    kube_user: KubeUser, made: Manifest, pages: Pages, folder: Path, documents: str = ""
) -> Iterator[tuple[Running, int, Manifest]]:
    """Run the collector of a document with the arguments of its pod; gives its port and its pod."""
    namespace, name = made["metadata"]["namespace"], base(made)
    config = kube_user.until(lambda: kube_user.get(ObjectKey("ConfigMap", namespace, name)))
    deployment = kube_user.until(
        lambda: kube_user.get(ObjectKey("Deployment", namespace, f"{name}-0"))
    )
    pod = deployment["spec"]["template"]["spec"]
    folder.mkdir()
    (folder / "d.yaml").write_text(documents or config["data"]["documents.yaml"])
    pages.mount(pod, folder / "secrets")
    changed = {
        "--config.file": f"{folder}/d.yaml",
        "--state.directory": f"{folder}/state",
        "--web.listen-address": f"{own_address()}:0",
        "--web.health-listen-address": f"{own_address()}:0",
    }
    (folder / "state").mkdir()
    arguments = []
    for argument in pod["containers"][0]["args"]:
        flag, equals, value = argument.partition("=")
        value = changed.get(flag, value.replace(MOUNTED, f"{folder}/secrets"))
        arguments.append(f"{flag}{equals}{value}")
    with running(*arguments) as process:
        yield process, _port(process, "rackwatt-exporter"), pod


def _port(process: Running, name: str) -> int:
    line = process.until_logged(lambda line: name in line and "listens on" in line)
    port = line.partition(" port ")[2]
    return int("".join(letter for letter in port if letter.isdigit()))


def placed_at(kube_user: KubeUser, made: Manifest, port: int) -> None:
    """Mark a document's pod as ready, at an address that its Service's name resolves to."""
    namespace, name = made["metadata"]["namespace"], base(made)
    service = kube_user.get(ObjectKey("Service", namespace, name))
    assert service is not None
    be_ready(kube_user, namespace, name)
    there = placed(namespace, name, port)
    there["ports"][0]["name"] = service["spec"]["ports"][0]["name"]
    kube_user.apply(there)


def grant_secrets(cluster: Cluster, account: Account, namespace: str, *names: str) -> None:
    """Grant the operator the right to read some Secrets, as docs/operator.md describes."""
    metadata = {"name": "rackwatt-web", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    subject = {"kind": "ServiceAccount", "name": account.namespace, "namespace": account.namespace}
    role = {"apiGroup": group, "kind": "Role", "name": "rackwatt-web"}
    Kubectl(cluster).apply(
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata}
        | {"rules": [rule | {"resourceNames": list(names)}]},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata}
        | {"roleRef": role, "subjects": [subject]},
    )


def test_the_operator_reads_guarded_pages_once_it_may_read_the_secrets_that_open_them(
    kube_user: KubeUser,
    operated: Cluster,
    operator_account: Account,
    namespace: str,
    tmp_path: Path,
) -> None:
    pages = Pages(kube_user, namespace, "pt-lab")
    made = kube_user.apply(fleet("lab", namespace, web=WEB))
    with collector(kube_user, made, pages, tmp_path / "lab") as (process, port, pod):
        placed_at(kube_user, made, port)
        condition = kube_user.until_reason(object_key(made), "Ready", "CollectorsUnreachable")
        assert "the operator may not read Secret" in condition["message"]
        assert "docs/operator.md#tls-and-passwords" in condition["message"]
        grant_secrets(operated, operator_account, namespace, "reader", "pages-tls")
        kube_user.until_reason(object_key(made), "Ready", "Ready")
        probed(process, pod)


def probed(process: Running, pod: Manifest) -> None:
    """Probe as a kubelet does: without a password or a certificate."""
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        get = pod["containers"][0][probe]["httpGet"]
        assert (get["port"], get["scheme"]) == ("health", "HTTP")
        url = f"http://{own_address()}:{_port(process, '/healthz')}"
        assert httpx.get(url + get["path"], trust_env=False).text == "ok\n"
        assert httpx.get(f"{url}/metrics", trust_env=False).status_code == 404


def test_the_operator_reports_a_wrong_password_and_uses_a_corrected_secret(
    kube_user: KubeUser,
    operated: Cluster,
    operator_account: Account,
    namespace: str,
    tmp_path: Path,
) -> None:
    pages = Pages(kube_user, namespace, "pt-lab")
    wrong = base64.b64encode(b"another").decode()
    kube_user.merge(ObjectKey("Secret", namespace, "reader"), {"data": {"password": wrong}})
    grant_secrets(operated, operator_account, namespace, "reader", "pages-tls")
    made = kube_user.apply(fleet("lab", namespace, web=WEB))
    with collector(kube_user, made, pages, tmp_path / "lab") as (_, port, _pod):
        placed_at(kube_user, made, port)
        condition = kube_user.until_reason(object_key(made), "Ready", "CollectorsUnreachable")
        assert "spec.web.credentials must reference a Secret" in condition["message"]
        right = base64.b64encode(PASSWORD.encode()).decode()
        kube_user.merge(ObjectKey("Secret", namespace, "reader"), {"data": {"password": right}})
        kube_user.until_reason(object_key(made), "Ready", "Ready")


def test_the_operator_reports_a_certificate_of_another_name_and_never_sends_the_password(
    kube_user: KubeUser,
    operated: Cluster,
    operator_account: Account,
    namespace: str,
    tmp_path: Path,
) -> None:
    pages = Pages(kube_user, namespace, "another-user")
    grant_secrets(operated, operator_account, namespace, "reader", "pages-tls")
    made = kube_user.apply(fleet("lab", namespace, web=WEB))
    with collector(kube_user, made, pages, tmp_path / "lab") as (_, port, _pod):
        placed_at(kube_user, made, port)
        condition = kube_user.until_reason(object_key(made), "Ready", "CollectorsUnreachable")
        assert "does spec.web.tls fit its certificate?" in condition["message"]


def test_the_operator_needs_no_secret_to_read_tls_pages_without_a_password(
    kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    pages = Pages(kube_user, namespace, "pt-lab")
    open_to_all = yaml.safe_dump({key: CONFIG[key] for key in ("tls_server_config",)})
    pages.secrets["web"]["web.yml"] = open_to_all.encode()
    web = {key: WEB[key] for key in WEB if key != "credentials"}
    made = kube_user.apply(fleet("lab", namespace, web=web))
    with collector(kube_user, made, pages, tmp_path / "lab") as (_, port, _pod):
        placed_at(kube_user, made, port)
        kube_user.until_reason(object_key(made), "Ready", "Ready")


def test_collectors_that_require_a_client_certificate_are_probed_without_and_read_with_one(
    kube_user: KubeUser,
    operated: Cluster,
    operator_account: Account,
    namespace: str,
    tmp_path: Path,
) -> None:
    pages = Pages(kube_user, namespace, "pt-lab", config=MUTUAL)
    web = {key: WEB[key] for key in WEB if key != "credentials"}
    made = kube_user.apply(fleet("lab", namespace, web=web))
    with collector(kube_user, made, pages, tmp_path / "lab") as (process, port, pod):
        placed_at(kube_user, made, port)
        probed(process, pod)
        condition = kube_user.until_reason(object_key(made), "Ready", "CollectorsUnreachable")
        assert "spec.web.tls.clientSecretRef must name a Secret" in condition["message"]
        kube_user.apply(fleet("lab", namespace, web=web | {"tls": WEB["tls"] | CLIENT}))
        kube_user.until(
            lambda: _message(kube_user, made, f"may not read Secret {namespace}/client-tls")
        )
        stranger = trustme.CA().issue_cert("prometheus.example")
        _replace(kube_user, namespace, stranger)
        grant_secrets(operated, operator_account, namespace, "client-tls")
        kube_user.until(lambda: _message(kube_user, made, "hang up on the operator during TLS"))
        _replace(kube_user, namespace, pages.authority.issue_cert("curl.example"))
        kube_user.until(lambda: _message(kube_user, made, "client_allowed_sans"))
        _replace(kube_user, namespace, pages.authority.issue_cert("prometheus.example"))
        kube_user.until_reason(object_key(made), "Ready", "Ready")


def _message(kube_user: KubeUser, made: Manifest, words: str) -> bool:
    return words in kube_user.conditions(object_key(made))["Ready"]["message"]


def _replace(kube_user: KubeUser, namespace: str, issued: trustme.LeafCert) -> None:
    """Replace the certificate in the Secret that the operator presents."""
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    data = {"tls.crt": chain, "tls.key": issued.private_key_pem.bytes()}
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    kube_user.merge(ObjectKey("Secret", namespace, "client-tls"), {"data": encoded})


@pytest.mark.parametrize("config", [CONFIG, MUTUAL], ids=["password", "certificate"])
def test_the_collectors_of_a_fleet_read_their_binding_over_tls_with_its_password_or_certificate(
    kube_user: KubeUser, namespace: str, tmp_path: Path, config: Manifest
) -> None:
    pages = Pages(kube_user, namespace, "sb-prod", config=config)
    authority = {"caSecretRef": {"name": "pages-tls"}, "serverName": f"sb-prod.{namespace}.svc"}
    named = WEB | {"tls": authority | (CLIENT if config is MUTUAL else {})}
    resource = kube_user.apply(binding("prod", namespace, web=named))
    made = kube_user.apply(fleet("lab", namespace, schedulerRef={"name": "prod"}))
    with collector(kube_user, resource, pages, tmp_path / "prod") as (_, port, _pod):
        there = kube_user.until(lambda: _derived(kube_user, namespace))
        # No name server knows the Service here: its address is used, and its name verified.
        moved = there.replace(f"sb-prod.{namespace}.svc:9123", f"{own_address()}:{port}", 1)
        with collector(kube_user, made, pages, tmp_path / "lab", moved) as (process, reader, _pod):
            url = f"http://{own_address()}:{reader}/metrics"
            page = kube_user.until(lambda: _with_state(url), "a state", lambda: process.log)
            assert 'state="idle"' in page


def _derived(kube_user: KubeUser, namespace: str) -> Any:
    config = kube_user.get(ObjectKey("ConfigMap", namespace, "pt-lab"))
    text = config["data"]["documents.yaml"] if config else ""
    return text if f'"url":"https://sb-prod.{namespace}.svc:9123"' in text else None


def _with_state(url: str) -> str | None:
    text = httpx.get(url, trust_env=False).text
    return text if 'rackwatt_node_state{node="n1"' in text else None
