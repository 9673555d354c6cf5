"""The web configuration of the running command, tested with curl, OpenSSL and httpx."""

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import bcrypt
import httpx
import pytest
import trustme

from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.running_exporter import power_target, rewrite
from tests.exporter.web.tls_files import GOS_HASH, MUTUAL, PASSWORD, TLS, WebFiles

get, post, put = (
    partial(method, timeout=PATIENCE_S) for method in (httpx.get, httpx.post, httpx.put)
)
CURL = [
    "curl",
    "-s",
    "--max-time",
    str(PATIENCE_S),
    "--output",
    os.devnull,
    "--write-out",
    "%{http_code}",
]
LISTEN = "--web.listen-address=127.0.0.1:0"


@pytest.fixture
def web_files(tmp_path: Path) -> WebFiles:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "lab.yaml").write_text(power_target("[{names: n1}]"))
    return WebFiles(tmp_path)


@contextmanager
def serving(web_files: WebFiles, *flags: str) -> Iterator[Running]:
    with running(
        "run", f"--config.file={web_files.directory / 'lab'}", LISTEN,
        f"--web.config.file={web_files.web_config}", *flags,
    ) as run:  # fmt: skip
        assert run.url
        yield run


def curl(web_files: WebFiles, run: Running, *arguments: object, path: str = "/metrics") -> str:
    """What curl says: the status, or its own exit status where there is none."""
    url = run.url.replace("http:", "https:") + path
    done = subprocess.run(
        [*CURL, "--cacert", str(web_files.authority_file), *map(str, arguments), url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"curl {done.returncode}" if done.returncode else done.stdout


def certificate(run: Running) -> str:
    """The certificate that a new connection is shown."""
    url = httpx.URL(run.url)
    return ssl.get_server_certificate((url.host, url.port or 0))


def test_only_users_with_their_password_are_served_over_tls(web_files: WebFiles) -> None:
    web_files.write(tls_server_config=TLS, basic_auth_users={"prometheus": GOS_HASH})
    with serving(web_files) as run:
        assert curl(web_files, run) == "401"
        assert curl(web_files, run, "-u", f"prometheus:{PASSWORD}") == "200"
        assert curl(web_files, run, "-u", "prometheus:wrong") == "401"
        assert curl(web_files, run, "-u", f"stranger:{PASSWORD}") == "401"
        for path in ("/", "/status", "/readyz", "/targets", "/nothing", "/fleet/main.js"):
            assert curl(web_files, run, path=path) == "401", path
        assert curl(web_files, run, path="/healthz") == "200"
        for path in ("/healthz/", "/healthz/../status", "//healthz", "/HEALTHZ", "/%68ealthz/x"):
            assert curl(web_files, run, "--path-as-is", path=path) == "401", path
        for header in ("Basic", "Basic !!", "Basic Zm9v", "Bearer x", "Basic " + "A" * 4000):
            assert curl(web_files, run, "-H", f"Authorization: {header}") == "401"
        assert (
            get(run.url.replace("http:", "https:"), verify=False)
            .headers["WWW-Authenticate"]
            .startswith("Basic realm=")
        )
        with pytest.raises(httpx.HTTPError):
            get(run.url)
        assert PASSWORD not in "".join(run.log)
        assert run.stop() == 0


HEALTH = "--web.health-listen-address=127.0.0.1:{}"


def test_probes_have_a_port_of_their_own_that_answers_health_alone_without_a_certificate(
    web_files: WebFiles,
) -> None:
    web_files.write(tls_server_config=MUTUAL)
    with serving(web_files, HEALTH.format(0)) as run:
        line = run.until_logged(lambda line: "/healthz listens on" in line)
        port = int("".join(filter(str.isdigit, line.partition(" port ")[2])))
        url = f"http://127.0.0.1:{port}"
        assert curl(web_files, run, path="/healthz").startswith("curl ")
        answer = get(f"{url}/healthz")
        assert (answer.text, answer.headers["X-Content-Type-Options"]) == ("ok\n", "nosniff")
        for path in ("/", "/metrics", "/status", "/readyz", "/targets", "/fleet/main.js"):
            assert get(url + path).status_code == 404, path
        assert post(f"{url}/-/reload").status_code == 404
        assert run.stop() == 0


def test_a_health_port_in_use_ends_the_process_with_its_address(web_files: WebFiles) -> None:
    web_files.write(tls_server_config=MUTUAL)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(web_files, HEALTH.format(port)) as run:
            run.until_logged(lambda line: f"cannot listen on 127.0.0.1:{port}" in line)
            assert run.process.wait(PATIENCE_S) == 1


def test_a_client_needs_a_certificate_of_the_authority_where_that_is_configured(
    web_files: WebFiles,
) -> None:
    web_files.write(tls_server_config=MUTUAL)
    stranger = web_files.client_named("stranger", trustme.CA())
    with serving(web_files) as run:
        assert curl(web_files, run, "--cert", web_files.client) == "200"
        for version in ("--tls-max 1.2", "--tlsv1.3"):
            assert curl(web_files, run, *version.split()).startswith("curl ")
            assert curl(web_files, run, "--cert", stranger, *version.split()).startswith("curl ")


def test_a_client_may_need_one_of_the_names_listed(web_files: WebFiles) -> None:
    web_files.write(
        tls_server_config={**MUTUAL, "client_allowed_sans": ["prometheus.example", "10.0.0.7"]}
    )
    with serving(web_files) as run:
        assert curl(web_files, run, "--cert", web_files.client) == "200"
        assert curl(web_files, run, "--cert", web_files.client_named("10.0.0.7")) == "200"
        assert curl(web_files, run, "--cert", web_files.client_named("other.example")) == "403"


def test_versions_and_suites_are_those_of_the_file(web_files: WebFiles) -> None:
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    web_files.write(tls_server_config={**TLS, "cipher_suites": [suite], "max_version": "TLS12"})
    with serving(web_files) as run:
        assert curl(web_files, run, "--tlsv1.3").startswith("curl ")
        chosen = ("--tls-max", "1.2", "--ciphers")
        assert curl(web_files, run, *chosen, "ECDHE-ECDSA-AES256-GCM-SHA384") == "200"
        assert curl(web_files, run, *chosen, "ECDHE-ECDSA-AES128-GCM-SHA256").startswith("curl ")
        web_files.write(tls_server_config={**TLS, "min_version": "TLS13"})
        until(lambda: curl(web_files, run, "--tlsv1.3") == "200")
        assert curl(web_files, run, "--tls-max", "1.2").startswith("curl ")


def test_headers_of_the_file_replace_the_defaults(web_files: WebFiles) -> None:
    headers = {"Strict-Transport-Security": "max-age=60", "Content-Security-Policy": "", "X-Frame-Options": "sameorigin"}  # fmt: skip
    web_files.write(http_server_config={"headers": headers})
    with serving(web_files) as run:
        found = get(run.url + "/status").headers
        assert found["Strict-Transport-Security"] == "max-age=60"
        assert found["X-Frame-Options"] == "sameorigin"
        assert "Content-Security-Policy" not in found
        assert found["X-Content-Type-Options"] == "nosniff"


def test_a_renewed_certificate_counts_and_a_connection_there_is_loses_no_answer(
    web_files: WebFiles,
) -> None:
    web_files.write(tls_server_config=TLS)
    with serving(web_files) as run, httpx.Client(
        base_url=run.url.replace("http:", "https:"),
        verify=ssl.create_default_context(cafile=str(web_files.authority_file)),
        timeout=PATIENCE_S,
        limits=httpx.Limits(keepalive_expiry=None),
    ) as client:  # fmt: skip
        before = certificate(run)
        assert "connection" not in client.get("/healthz").headers
        web_files.renew()
        until(lambda: certificate(run) != before)
        assert client.get("/healthz").headers["connection"] == "close"
        assert "connection" not in client.get("/healthz").headers
        assert run.stop() == 0


def test_certificates_renewed_all_the_time_drop_no_connection(web_files: WebFiles) -> None:
    web_files.write(tls_server_config=TLS)
    context = ssl.create_default_context(cafile=str(web_files.authority_file))
    with serving(web_files, "--web.enable-lifecycle") as run:
        url = run.url.replace("http:", "https:")
        stop = threading.Event()
        failures: list[str] = []
        served = [0]

        def hammer() -> None:
            while not stop.is_set():
                try:
                    with httpx.Client(verify=context, timeout=PATIENCE_S) as client:
                        for _ in range(2):
                            client.get(url + "/healthz").raise_for_status()
                            served[0] += 1
                except httpx.HTTPError as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        seen: set[str] = set()
        while len(seen) < 20 or served[0] <= 50:
            web_files.renew()
            assert post(url + "/-/reload", verify=context).status_code == 200
            assert certificate(run) not in seen
            seen.add(certificate(run))
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []


def test_users_and_tls_come_and_go_without_a_restart(web_files: WebFiles) -> None:
    web_files.write()
    with serving(web_files) as run:
        assert get(run.url + "/targets").status_code == 200
        kept = bcrypt.hashpw(b"first", bcrypt.gensalt(4)).decode()
        web_files.write(basic_auth_users={"a": kept})
        until(lambda: get(run.url + "/targets").status_code == 401)
        assert get(run.url + "/targets", auth=("a", "first")).status_code == 200
        kept = bcrypt.hashpw(b"second", bcrypt.gensalt(4)).decode()
        web_files.write(basic_auth_users={"a": kept}, tls_server_config=TLS)
        until(lambda: curl(web_files, run, "-u", "a:second") == "200")
        assert curl(web_files, run, "-u", "a:first") == "401"
        web_files.write()
        until(lambda: curl(web_files, run).startswith("curl "))
        assert get(run.url + "/targets").status_code == 200
        assert kept not in "".join(run.log)


def test_an_invalid_file_is_reported_and_the_previous_one_stays(web_files: WebFiles) -> None:
    web_files.write(tls_server_config=TLS, basic_auth_users={"prometheus": GOS_HASH})
    with serving(web_files) as run:
        web_files.write(tls_server_config=TLS, basic_auth_user={})
        run.until_logged(lambda line: "did you mean basic_auth_users?" in line)
        run.until_logged(lambda line: "keeping the previous configuration" in line)
        (web_files.directory / "server.key").unlink()
        web_files.write(tls_server_config=TLS)
        run.until_logged(lambda line: "server.key: No such file" in line)
        assert curl(web_files, run) == "401"
        assert curl(web_files, run, "-u", f"prometheus:{PASSWORD}") == "200"
        web_files.renew()
        until(lambda: curl(web_files, run) == "200")
        assert run.stop() == 0


def test_a_file_that_is_broken_at_the_start_ends_it_with_every_problem(
    web_files: WebFiles,
) -> None:
    web_files.write(tls_server_config={"cert_fil": "x"}, basic_auth_users={"a": "hunter2"})
    with running(
        "run", f"--config.file={web_files.directory / 'lab'}", LISTEN,
        f"--web.config.file={web_files.web_config}",
    ) as run:  # fmt: skip
        assert run.process.wait(PATIENCE_S) == 1
        run._reader.join(PATIENCE_S)
        log = "".join(run.log)
        assert "did you mean cert_file?" in log
        assert "hunter2" not in log
        assert "listens on" not in log


def test_reload_over_http_is_disabled_and_the_response_says_how_to_enable_it(
    web_files: WebFiles,
) -> None:
    web_files.write()
    with serving(web_files) as run:
        refused = post(run.url + "/-/reload")
        assert refused.status_code == 403
        assert "--web.enable-lifecycle" in refused.text


def test_reload_by_request_responds_when_it_is_done_with_the_problems(
    web_files: WebFiles,
) -> None:
    web_files.write()
    lab = web_files.directory / "lab" / "lab.yaml"
    with serving(web_files, "--web.enable-lifecycle") as run:
        rewrite(lab, power_target("[{names: n2}]"))
        assert post(run.url + "/-/reload").status_code == 200
        assert [one["targets"] for one in get(run.url + "/targets").json()] == [["n2"]]
        rewrite(lab, power_target("[{names: n3, adress: x}]"))
        web_files.write(rate_limit={})
        reply = post(run.url + "/-/reload")
        assert reply.status_code == 500
        assert "hosts[0].adress: unknown field; did you mean address?" in reply.text
        assert "rate_limit: is not supported" in reply.text
        assert get(run.url + "/-/reload").status_code == 405
        assert put(run.url + "/-/reload").status_code == 405
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        assert post(run.url + "/-/reload", headers=elsewhere).status_code == 403
        assert run.stop() == 0


def test_a_node_that_has_loaded_no_openssl_begins_to_serve_tls_when_it_is_configured(
    web_files: WebFiles,
) -> None:
    document = "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: n}\n"
    rewrite(web_files.directory / "lab/lab.yaml", document + "spec: {node: {collectors: [cpu]}}\n")
    web_files.write()
    with serving(web_files, "--web.enable-lifecycle") as run:
        run.until_served(lambda text: "rackwatt_node_cpu_seconds_total{" in text, "/metrics")
        maps = Path(f"/proc/{run.process.pid}/maps")
        assert "libcrypto" not in maps.read_text()
        web_files.write(tls_server_config=MUTUAL, basic_auth_users={"prometheus": GOS_HASH})
        assert post(run.url + "/-/reload").status_code == 200
        user = ("-u", f"prometheus:{PASSWORD}", "--cert", web_files.client)
        assert curl(web_files, run, *user) == "200"
        assert curl(web_files, run, *user[:2]).startswith("curl ")
        assert "libcrypto" in maps.read_text()
        web_files.write()
        until(lambda: curl(web_files, run, *user).startswith("curl "))
        assert get(run.url + "/healthz").status_code == 200
        assert run.stop() == 0
