"""Where the API server is, and the token for it."""

from pathlib import Path

import pytest

from rackwatt_crds.fields import ClientTls, SecretKeyRef, SecretRef
from rackwatt_crds.schedulers.kubernetes import Kubernetes
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.kubernetes.credentials import api_server
from rackwatt_exporter.schedulers.kubernetes.scheduler import KubernetesScheduler

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
TOKEN = SecretKeyRef(name="reader", key="token")


def test_a_pod_uses_the_address_the_token_and_the_authority_that_kubernetes_gives_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").touch()
    server = api_server(Kubernetes(), Secrets(tmp_path), POD, tmp_path)
    assert (server.url, server.token()) == ("https://10.96.0.1:443", "first")
    assert server.tls().authorities == tmp_path / "ca.crt"
    (tmp_path / "token").write_text("second\n")
    assert server.token() == "second"


def test_an_address_of_ipv6_is_put_into_brackets(tmp_path: Path) -> None:
    address = POD | {"KUBERNETES_SERVICE_HOST": "fd00::1"}
    assert api_server(Kubernetes(), Secrets(tmp_path), address).url == "https://[fd00::1]:443"


def test_a_document_names_another_api_server_with_a_token_and_an_authority(tmp_path: Path) -> None:
    for secret, key, text in (("reader", "token", "other"), ("ca", "ca.crt", "")):
        (tmp_path / secret).mkdir()
        (tmp_path / secret / key).write_text(text)
    settings = Kubernetes(
        url="https://api.hpc.example:6443/",
        token_secret_ref=TOKEN,
        tls=ClientTls(ca_secret_ref=SecretRef(name="ca")),
    )
    server = api_server(settings, Secrets(tmp_path), POD)
    assert (server.url, server.token()) == ("https://api.hpc.example:6443", "other")
    assert server.tls().authorities == tmp_path / "ca" / "ca.crt"


def test_a_client_certificate_needs_no_token(tmp_path: Path) -> None:
    tls = ClientTls(client_secret_ref=SecretRef(name="me"))
    settings = Kubernetes(url="https://api.hpc.example", tls=tls)
    assert api_server(settings, Secrets(tmp_path), {}).token() is None


@pytest.mark.parametrize("held", [None, b"", b"two words", b"caf\xc3\xa9"])
def test_a_file_without_a_token_is_named_and_its_content_is_not(
    held: bytes | None, tmp_path: Path
) -> None:
    if held is not None:
        (tmp_path / "token").write_bytes(held)
    with pytest.raises(ReadError) as caught:
        api_server(Kubernetes(), Secrets(tmp_path), POD, tmp_path).token()
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert str(tmp_path / "token") in str(caught.value)
    assert "words" not in str(caught.value)


def test_a_missing_authority_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"ca\.crt: No such file") as caught:
        api_server(Kubernetes(), Secrets(tmp_path), POD, tmp_path).tls()
    assert caught.value.reason is Reason.CREDENTIALS_MISSING


async def test_outside_of_a_pod_a_document_without_a_url_says_what_it_needs(tmp_path: Path) -> None:
    made = KubernetesScheduler(api_server(Kubernetes(), Secrets(tmp_path), {}), 1.0)
    with pytest.raises(ReadError, match=r"kubernetes\.url must name") as caught:
        await made.read()
    assert caught.value.reason is Reason.INVALID_ENTRY
    await made.close()
