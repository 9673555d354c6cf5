"""A real Prometheus, configured as in docs/web.md, that scrapes the running command."""

import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.exporter.commands.exporter_process import running
from tests.exporter.running_exporter import power_target, rewrite
from tests.exporter.web.tls_files import GOS_HASH, MUTUAL, PASSWORD, WebFiles
from tests.peers.prometheus import Prometheus, prometheus, tool

PAGE = (Path(__file__).parents[3] / "docs/web.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
(SCRAPES,) = [block for block in BLOCKS if "scrape_configs" in block]
(WEB_CONFIG,) = [block for block in BLOCKS if "tls_server_config" in block]
FLEET = "[{names: 'n[1-3]', type: compute, rack: r1}, {names: bad, adress: y}]"


def as_documented(address: str, **more: Any) -> dict[str, Any]:
    """The page's configuration, with the exporter's address in its place."""
    config: dict[str, Any] = yaml.safe_load(
        yaml.safe_dump(SCRAPES).replace("rackwatt.example:9123", address)
    )
    scheme = more.get("scheme", "http")
    (job,) = config["scrape_configs"]
    access = {key: value for key, value in more.items() if key != "scheme"}
    job.update(scrape_interval="1s", scrape_timeout="1s", **more)
    (discovery,) = job["http_sd_configs"]
    discovery.update(refresh_interval="1s", url=f"{scheme}://{address}/targets", **access)
    return config


def test_promtool_accepts_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(SCRAPES))
    checked = [tool("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_pages_web_configuration_is_one_and_exporter_toolkit_agrees(tmp_path: Path) -> None:
    web_files = WebFiles(tmp_path)
    (tmp_path / "clients.pem").write_bytes(web_files.authority_file.read_bytes())
    path = web_files.write(**WEB_CONFIG)
    checked = [tool("promtool"), "check", "web-config", str(path)]
    assert subprocess.run(checked, capture_output=True, check=False).returncode == 0
    with running(
        "run", f"--config.file={tmp_path / 'none'}", "--web.listen-address=127.0.0.1:0",
        f"--web.config.file={path}",
    ) as run:  # fmt: skip
        assert run.url
        assert run.stop() == 0


def successes(peer: Prometheus) -> dict[str, str]:
    found = peer.query("probe_success")
    return {one["metric"]["instance"]: one["value"][1] for one in found}


def measured(peer: Prometheus) -> list[tuple[str, str, str]]:
    watts = [one["metric"] for one in peer.query("rackwatt_node_power_watts")]
    return sorted((one["node"], one["instance"], one["powertarget"]) for one in watts)


def test_prometheus_finds_every_node_and_scrapes_each_by_itself(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target(FLEET))
    with running(
        "run", f"--config.file={tmp_path / 'lab.yaml'}", "--web.listen-address=127.0.0.1:0"
    ) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        config = as_documented(run.url.removeprefix("http://"))
        with prometheus(tmp_path / "prometheus", config) as peer:
            peer.until(
                lambda peer: successes(peer) == {"n1": "1", "n2": "1", "n3": "1", "bad": "0"}
            )
            peer.until(
                lambda peer: measured(peer) == [(node, node, "lab") for node in ("n1", "n2", "n3")]
            )
            peer.until(lambda peer: [one["health"] for one in peer.targets()] == ["up"] * 4)
            rewrite(tmp_path / "lab.yaml", power_target("[{names: n7}]"))
            peer.until(lambda peer: peer.query('probe_success{instance="n7"}'))


def test_prometheus_scrapes_over_mutual_tls_with_a_password(tmp_path: Path) -> None:
    web_files = WebFiles(tmp_path)
    web_files.write(tls_server_config=MUTUAL, basic_auth_users={"prometheus": GOS_HASH})
    (tmp_path / "lab.yaml").write_text(power_target(FLEET))
    with running(
        "run", f"--config.file={tmp_path / 'lab.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--web.config.file={web_files.web_config}",
    ) as run:  # fmt: skip
        config = as_documented(
            httpx.URL(run.url).netloc.decode(),
            scheme="https",
            basic_auth={"username": "prometheus", "password": PASSWORD},
            tls_config={
                "ca_file": str(web_files.authority_file),
                "cert_file": str(web_files.client),
                "key_file": str(web_files.client),
            },
        )
        with prometheus(tmp_path / "prometheus", config) as peer:
            peer.until(lambda peer: len(peer.query("rackwatt_node_power_watts")) == 3)
            peer.until(lambda peer: len(peer.query("up == 1")) == 4)
