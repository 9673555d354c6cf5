"""BMCs with a key of their own (K_g): ipmi_sim has one, and ipmitool logs in with it too."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S
from tests.exporter.targets.ipmi.driven import Driven, driven
from tests.peers.ipmi_sim import PASSWORD, USERNAME, Bmc, SimSensor, ipmi_sim
from tests.peers.ipmi_tools import Asker

KG = "key-of-this-bmc"
KEYS = {
    "text": KG.encode() + b"\n",
    "hex": b"0x" + KG.encode().hex().encode(),
    "padded": b"0X" + KG.encode().hex().upper().encode() + b"00" * 5,
    "other": b"key-of-another",
    "odd": b"0x" + KG.encode().hex().encode()[:-1],
    "long": KG.encode() * 2,
    "empty": b"\n",
    "zeros": b"0x" + b"00" * 20,
}


@pytest.fixture(scope="module")
def bmc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmc]:
    with ipmi_sim(tmp_path_factory.mktemp("with"), [(SimSensor("PIN", 43, m=8),)], KG) as running:
        yield running.bmcs[0]


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmc]:
    with ipmi_sim(tmp_path_factory.mktemp("without")) as running:
        yield running.bmcs[0]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Driven]:
    for name, key in KEYS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kg").write_bytes(key)
    async with driven(tmp_path) as made:
        yield made


async def refusal(source: Any) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await source.read()
    for word in (KG, KG.encode().hex(), PASSWORD, "key-of-another"):
        assert word not in f"{caught.value} {caught.value.remedy}"
    return caught.value


def test_ipmitool_logs_in_with_the_key_alone(bmc: Bmc) -> None:
    asker = Asker(bmc.address, bmc.port, USERNAME, PASSWORD, kg=KG)
    assert asker.ipmitool_watts() == 300
    with pytest.raises(AssertionError, match="Unable to establish"):
        Asker(bmc.address, bmc.port, USERNAME, PASSWORD).ipmitool_watts()


@pytest.mark.parametrize("secret", ["text", "hex", "padded"])
@pytest.mark.parametrize("options", [{}, {"dcmi": False, "sensors": ("PIN",)}])
async def test_a_bmc_with_a_key_is_read_with_it(
    bmc: Bmc, made: Driven, secret: str, options: dict[str, Any]
) -> None:
    reading = await made.source(bmc, kg_secret=secret, **options).read()
    assert reading.watts == (344 if options else 300)


async def test_pyghmi_reads_a_bmc_with_a_key(bmc: Bmc, made: Driven) -> None:
    assert (await made.source(bmc, kg_secret="text", oem=True).read()).watts == 300


async def test_a_key_that_no_document_names_is_named_as_the_cause(bmc: Bmc, made: Driven) -> None:
    refused = await refusal(made.source(bmc))
    assert refused.reason is Reason.AUTH_FAILED
    assert "user and password are right" in str(refused)
    assert "the BMC has a K_g, which ipmi.kgSecretRef must name" in str(refused)
    assert "K_g" in (refused.remedy or "")


async def test_a_wrong_key_is_named_as_the_cause(bmc: Bmc, made: Driven) -> None:
    refused = await refusal(made.source(bmc, kg_secret="other"))
    assert refused.reason is Reason.AUTH_FAILED
    assert "is not the BMC's, or the BMC has none" in str(refused)


async def test_a_wrong_password_is_not_taken_for_a_wrong_key(bmc: Bmc, made: Driven) -> None:
    refused = await refusal(made.source(bmc, "wrong", kg_secret="text"))
    assert refused.reason is Reason.AUTH_FAILED
    assert "password" in str(refused)
    assert "K_g" not in str(refused)


async def test_pyghmi_with_a_wrong_key_is_auth_failed(bmc: Bmc, made: Driven) -> None:
    source = made.source(bmc, kg_secret="other", oem=True, timing={"timeout_s": 4 * PATIENCE_S})
    refused = await refusal(source)
    assert refused.reason is Reason.AUTH_FAILED


async def test_a_key_for_a_bmc_that_has_none_is_named_as_the_cause(
    keyless: Bmc, made: Driven
) -> None:
    refused = await refusal(made.source(keyless, kg_secret="text"))
    assert refused.reason is Reason.AUTH_FAILED
    assert "or the BMC has none" in str(refused)


async def test_a_key_of_zeros_is_none(keyless: Bmc, made: Driven) -> None:
    assert (await made.source(keyless, kg_secret="zeros").read()).watts == 300


@pytest.mark.parametrize(
    ("secret", "words"),
    [("odd", "even number of hex digits"), ("long", "30 bytes"), ("empty", "it is empty")],
)
async def test_a_key_that_cannot_be_one_says_why(
    bmc: Bmc, made: Driven, secret: str, words: str
) -> None:
    refused = await refusal(made.source(bmc, kg_secret=secret))
    assert refused.reason is Reason.AUTH_FAILED
    assert words in str(refused)


async def test_a_missing_key_names_secret_and_file(bmc: Bmc, made: Driven, tmp_path: Path) -> None:
    refused = await refusal(made.source(bmc, kg_secret="nowhere"))
    assert refused.reason is Reason.CREDENTIALS_MISSING
    assert str(tmp_path / "nowhere" / "kg") in str(refused)


async def test_a_key_that_is_corrected_counts_from_the_next_log_in(
    bmc: Bmc, made: Driven, tmp_path: Path
) -> None:
    source = made.source(bmc, kg_secret="other")
    await refusal(source)
    (tmp_path / "other" / "kg").write_text(KG)
    assert (await source.read()).watts == 300


DOCUMENT = """
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: keyed}}
spec:
  bmc:
    method: ipmi
    credentials: {{secretRef: {{name: bmc}}}}
    ipmi: {{port: {port}, privilege: admin, kgSecretRef: {{name: {secret}}}}}
    hosts: [{{names: n1, addresses: {address}}}]
"""


@pytest.mark.parametrize("secret", KEYS)
@pytest.mark.parametrize("words", [["check"], ["record", "--output=capture.yaml", "--readings=1"]])
def test_a_key_is_in_nothing_that_the_exporter_says_or_writes(
    bmc: Bmc, made: Driven, tmp_path: Path, secret: str, words: list[str]
) -> None:
    text = DOCUMENT.format(port=bmc.port, address=bmc.address, secret=secret)
    (tmp_path / "document.yaml").write_text(text)
    command = [sys.executable, "-m", "rackwatt_exporter", *words]
    where = ["document.yaml"] if words == ["check"] else ["--config.file=document.yaml"]
    ran = subprocess.run(
        [*command, *where, f"--secrets.directory={tmp_path}", "--log.level=debug"],
        cwd=tmp_path,
        capture_output=True,
        timeout=4 * PATIENCE_S,
    )
    written = (file.read_bytes() for file in tmp_path.glob("capture.yaml*"))
    shown = b"".join((ran.stdout, ran.stderr, *written))
    assert shown
    key = KEYS[secret].strip()
    for form in (key, key.removeprefix(b"0x"), KG.encode(), KG.encode().hex().encode()):
        assert not form or form not in shown
