from typing import Any

import pytest
import yaml

from rackwatt_crds.loading import load
from tests.operator.manifests.builders import (
    Manifest,
    binding,
    container,
    fleet,
    nodes,
    of_kind,
    only,
    planned,
    pods,
)

WEB = "configSecretRef: {name: web, key: web.yml}"
TLS = "tls: {caSecretRef: {name: ca}}"
CLIENT = "tls: {caSecretRef: {name: ca}, clientSecretRef: {name: client}}"
LOGIN = "credentials: {secretRef: {name: reader}}"


def guarded(*settings: str) -> str:
    return f"web: {{{', '.join((WEB, *settings))}}}"


def endpoint(text: str) -> Manifest:
    endpoints: list[Manifest] = only(planned(text), "ServiceMonitor")["spec"]["endpoints"]
    (only_one,) = endpoints
    return only_one


def mounted(text: str) -> dict[str, bool]:
    """Return the Secrets of the last document's pods, and whether each is optional."""
    volumes = pods(planned(text))[-1]["spec"]["volumes"]
    secrets = [volume["secret"] for volume in volumes if "secret" in volume]
    return {one["secretName"]: one["optional"] for one in secrets}


@pytest.mark.parametrize("document", [fleet, nodes], ids=["bmc", "node"])
def test_tls_pages_are_scraped_by_https_and_probed_over_http_on_another_port(
    document: Any,
) -> None:
    text = document(spec=guarded(TLS))
    (pod,) = pods(planned(text))
    inside = container(pod)
    assert "--web.config.file=/etc/rackwatt/secrets/web/web.yml" in inside["args"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert inside[probe]["httpGet"] == {"path": "/healthz", "port": "health"}
    ports = {one["name"]: one["containerPort"] for one in inside["ports"]}
    assert ports == {"https": 9123, "health": 9124}
    assert "--web.health-listen-address=:9124" in inside["args"]
    (port,) = only(planned(text), "Service")["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("https", "https")
    assert endpoint(text)["port"] == "https"
    assert endpoint(text)["scheme"] == "https"
    assert endpoint(text)["tlsConfig"] == {
        "serverName": "pt-lab.power.svc",
        "ca": {"secret": {"name": "ca", "key": "ca.crt"}},
    }


def test_a_client_certificate_is_given_to_prometheus_and_not_mounted() -> None:
    text = fleet(guarded(CLIENT))
    assert endpoint(text)["tlsConfig"] == {
        "serverName": "pt-lab.power.svc",
        "ca": {"secret": {"name": "ca", "key": "ca.crt"}},
        "cert": {"secret": {"name": "client", "key": "tls.crt"}},
        "keySecret": {"name": "client", "key": "tls.key"},
    }
    assert mounted(text) == {"web": False}


def test_the_probes_port_is_open_to_no_other_pod() -> None:
    (rule,) = only(planned(fleet(guarded(TLS))), "NetworkPolicy")["spec"]["ingress"]
    assert [one["port"] for one in rule["ports"]] == [9123]
    assert len(only(planned(fleet(guarded(TLS))), "Service")["spec"]["ports"]) == 1


def test_a_password_without_tls_is_given_to_prometheus_over_http() -> None:
    text = fleet(guarded(LOGIN))
    scraped = endpoint(text)
    assert scraped["port"] == "http"
    assert not {"scheme", "tlsConfig"} & scraped.keys()
    assert scraped["basicAuth"] == {
        key: {"name": "reader", "key": key} for key in ("username", "password")
    }


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        ("tls: {}", {"serverName": "pt-lab.power.svc"}),
        ("tls: {serverName: power.example}", {"serverName": "power.example"}),
        (
            "tls: {insecureSkipVerify: true}",
            {"serverName": "pt-lab.power.svc", "insecureSkipVerify": True},
        ),
    ],
)
def test_a_certificate_is_verified_as_the_document_says(settings: str, config: Manifest) -> None:
    assert endpoint(fleet(guarded(settings)))["tlsConfig"] == config


def test_a_collector_mounts_the_secrets_of_its_server_and_not_those_of_its_clients() -> None:
    text = fleet(guarded("certificateSecretRef: {name: pages-tls}", TLS, LOGIN))
    assert mounted(text) == {"web": False, "pages-tls": False}


def test_a_collector_without_web_settings_serves_http_without_a_password() -> None:
    (pod,) = pods(planned(fleet()))
    assert not [word for word in container(pod)["args"] if "web.config" in word or "health" in word]
    assert container(pod)["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert "basicAuth" not in endpoint(fleet())


def test_collectors_of_a_fleet_mount_the_client_secrets_of_its_binding() -> None:
    serving = "certificateSecretRef: {name: pages-tls}"
    scheduler = binding(f"noop: {{}}, {guarded(serving, CLIENT, LOGIN)}")
    text = scheduler + "---\n" + fleet("schedulerRef: {name: prod}")
    assert mounted(text) == {"ca": True, "client": True, "reader": True}
    config = of_kind(planned(text), "ConfigMap")[-2]
    _, derived = load(config["data"]["documents.yaml"].encode(), "documents.yaml")
    assert not derived.problems
    (_, raw) = yaml.safe_load_all(config["data"]["documents.yaml"])
    assert raw["spec"]["exporter"] == {
        "url": "https://sb-prod.power.svc:9123",
        "tls": {"caSecretRef": {"name": "ca"}, "clientSecretRef": {"name": "client"}},
        "credentials": {"secretRef": {"name": "reader"}},
    }
