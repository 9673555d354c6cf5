"""Secrets and ConfigMaps as Kubernetes mounts them, swapped under a running exporter.

The BMC is ipmi_sim, which checks passwords. Documents set an interval of an hour, so that every
soon reading is caused by the change of the volume.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import running
from tests.exporter.running_exporter import RunningExporter, power_target
from tests.exporter.web.tls_files import WebFiles
from tests.peers.ipmi_sim import PASSWORD, USERNAME, Bmc, ipmi_sim
from tests.peers.kubelet_volume import KubeletVolume

LOOPS = ("uvloop",)
NODE = "n586"  # its offset is the first in any interval: it is read at once


@pytest.fixture(scope="module")
def bmc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmc]:
    with ipmi_sim(tmp_path_factory.mktemp("ipmi_sim")) as sim:
        sim.bmcs[0].set_power(300)
        yield sim.bmcs[0]


@asynccontextmanager
async def watching(directory: Path) -> AsyncIterator[RunningExporter]:
    async with RunningExporter(directory) as site:
        task = asyncio.create_task(site.exporter.watch())
        yield site
        task.cancel()
        await asyncio.wait([task])


def target(bmc: Bmc) -> str:
    """Return a PowerTarget of the BMC, whose interval is too long for a second read."""
    spec = "interval: 1h\n  maxBackoff: 2h\n  retries: 0"
    host = (
        f'[{{names: {NODE}, address: "{bmc.address}", ipmi: {{port: {bmc.port}, privilege: admin}}, '
        "credentials: {secretRef: {name: bmc}}}]"
    )
    return power_target(host, method="ipmi", spec=spec)


def failed(reason: str) -> Callable[[str], bool]:
    return lambda text: f'target_errors_total{{node="{NODE}",reason="{reason}"}} ' in text


def is_up(text: str) -> bool:
    return f'target_up{{node="{NODE}"}} 1' in text


async def test_the_exporter_reloads_documents_of_a_swapped_config_map(tmp_path: Path) -> None:
    documents = KubeletVolume(tmp_path / "documents")
    documents.update({"documents.yaml": power_target("[{names: n1}]")})
    async with watching(tmp_path / "documents") as site:
        await site.until(lambda text: 'target_up{node="n1"} 1' in text)
        documents.update({"documents.yaml": power_target("[{names: n2}]")})
        text = await site.until(lambda text: 'target_up{node="n2"} 1' in text)
        assert 'node="n1"' not in text
        documents.update({"documents.yaml": power_target("[{names: n2}]"), "notes.txt": "none"})
        documents.update({})
        await site.until(lambda text: 'node="n2"' not in text)


async def test_the_exporter_uses_a_secret_that_is_missing_wrong_and_right_without_a_restart(
    tmp_path: Path, bmc: Bmc
) -> None:
    (tmp_path / "lab.yaml").write_text(target(bmc))
    secret = KubeletVolume(tmp_path / "secrets/bmc")
    async with watching(tmp_path) as site:
        await site.until(failed("credentials_missing"))
        status = await site.json()
        message = f"Secret bmc is missing, or has no key username (there is no file {tmp_path}"
        assert message in status["failing"][0]["message"]
        missing = {"first_reference": "PowerTarget lab spec.bmc.hosts[0]", "affected_targets": 1}
        assert status["secrets_missing"] == [{"secret": "bmc", "key": "username", **missing}]
        secret.update({"username": USERNAME})
        await site.until(lambda text: "has no key password" in text, "/status")
        secret.update({"username": USERNAME, "password": "not this one"})
        await site.until(failed("auth_failed"))
        secret.update({"username": USERNAME, "password": PASSWORD})
        await site.until(is_up)
        assert (await site.json())["secrets_missing"] == []


async def test_the_exporter_keeps_open_sessions_when_a_secret_is_rotated(
    tmp_path: Path, bmc: Bmc
) -> None:
    (tmp_path / "lab.yaml").write_text(target(bmc))
    secret = KubeletVolume(tmp_path / "secrets/bmc")
    secret.update({"username": USERNAME, "password": PASSWORD})
    async with watching(tmp_path) as site:
        await site.until(is_up)
        poller = site.exporter.registry.targets._pollers._pollers[NODE][1]
        seen = site.exporter._secrets_fingerprint
        secret.update({"username": USERNAME, "password": "another"})
        async with asyncio.timeout(PATIENCE_S):
            while site.exporter._secrets_fingerprint == seen:
                await asyncio.sleep(0.02)
        assert site.exporter.registry.targets._pollers._pollers[NODE][1] is poller
        assert f'reads_total{{node="{NODE}"}} 1' in await site.text()


def test_the_exporter_serves_the_certificate_of_a_swapped_secret(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]"))
    (tmp_path / "made").mkdir()
    made = WebFiles(tmp_path / "made")
    made.write(tls_server_config={"cert_file": "tls.crt", "key_file": "tls.key"})
    mounted = KubeletVolume(tmp_path / "web")

    def mount() -> None:
        files = {"web.yml": "web.yml", "tls.crt": "server.pem", "tls.key": "server.key"}
        mounted.update({name: (made.directory / file).read_bytes() for name, file in files.items()})

    mount()
    with running(
        "run",
        f"--config.file={tmp_path}/lab.yaml",
        f"--web.config.file={tmp_path}/web/web.yml",
        "--web.listen-address=127.0.0.1:0",
    ) as run:
        address = ("127.0.0.1", int(run.url.rpartition(":")[2]))
        before = ssl.get_server_certificate(address)
        made.renew()
        mount()
        until(lambda: ssl.get_server_certificate(address) != before)
        assert run.stop() == 0
