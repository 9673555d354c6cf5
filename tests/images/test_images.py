"""The images, built as users build them: their contents, and running them.

Where buildah is not at hand these tests say so and are skipped; `make test` installs it where it may.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rackwatt_crds import __version__
from tests.images.archive import VENV, Image
from tests.images.test_locks import pins
from tests.peers.sshd import sshd

ROOT = Path(__file__).parents[2]
STORE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "rackwatt/images"
STORAGE = {"CONTAINERS_STORAGE_CONF": f"{STORE}/storage.conf", "BUILDAH_ISOLATION": "chroot"}
NAMES = ("collector", "accounting", "operator")
BUILT = (
    ".dockerignore", "Dockerfile", "LICENSE", "README.md", "pyproject.toml",
    "crds", "exporter", "images", "operator", "scripts",
)  # fmt: skip
COMPILED_LIBRARY = "python3 -c 'import argparse, os; print(os.path.exists(argparse.__cached__))'"
COMPILERS = {"gcc", "g++", "cc", "c++", "cpp", "clang", "as", "ld", "make", "rustc", "go", "tcc"}
LARGEST_MIB = {"collector": 90, "accounting": 120, "operator": 90}
PROGRAMS = {
    "collector": {"rackwatt-exporter", "rackwatt-trace"},
    "accounting": {"rackwatt-accounting", "rackwatt-acct"},
    "operator": {"rackwatt-operator"},
}
TIME_S = 1_700_000_000

FAKE = """
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: lab}
spec: {bmc: {method: fake, hosts: [{names: n1}]}}
"""
# Two commands over one login, as the exporter runs them.
LOG_IN = """
import asyncio, pathlib, tempfile
from rackwatt_exporter.protocols.command.ssh import SshHost

async def log_in():
    host = SshHost(
        "127.0.0.1", port={port}, user="{user}", key_file=lambda: pathlib.Path("/ssh/client_key"),
        known_hosts=lambda: pathlib.Path("/ssh/known_hosts"),
        control_directory=pathlib.Path(tempfile.mkdtemp()),
    )
    await host.run(("true",), 60)
    print((await host.run(("echo", "answer of the peer"), 60)).decode())
    await host.close()

asyncio.run(log_in())
"""
# One that no /etc/passwd has, in root's group: what OpenShift assigns.
ASSIGNED = "1000680000:0"

pytestmark = pytest.mark.skipif(
    shutil.which("buildah") is None or os.geteuid() != 0,
    reason="buildah is not installed, or this is not root: scripts/packages buildah mmdebstrap",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the sources, so that edits between two builds do not affect the second."""
    copy = tmp_path_factory.mktemp("tree")
    for name in BUILT:
        source, target = ROOT / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return copy


def build(tree: Path, folder: Path, *names: str, **environment: str) -> dict[str, Image]:
    done = subprocess.run(
        [tree / "scripts/images", folder, *names], capture_output=True, text=True,
        env={**os.environ, "BASE": "debian", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: Image(folder / f"{name}.tar") for name in names}


@pytest.fixture(scope="module")
def images(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    """Build them of the commit's time: `make e2e`, which follows, takes their layers as they are."""
    command = ["git", "log", "-1", "--format=%ct"]
    committed_at = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    folder = tmp_path_factory.mktemp("images")
    return build(tree, folder, *NAMES, SOURCE_DATE_EPOCH=committed_at.strip() or "0")


@pytest.fixture(scope="module")
def containers(images: dict[str, Image]) -> Iterator[dict[str, str]]:
    made = {
        name: buildah("from", "--pull-never", f"docker.io/rackwatt/{name}:{__version__}").strip()
        for name in images
    }
    yield made
    buildah("rm", *made.values())


def buildah(*arguments: str) -> str:
    done = subprocess.run(
        ["buildah", *arguments], capture_output=True, text=True, env={**os.environ, **STORAGE}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "command"),
    [(name, f"rackwatt-{name.replace('collector', 'exporter')}") for name in NAMES],
)
def test_it_runs_its_command_as_any_user(images: dict[str, Image], name: str, command: str) -> None:
    config = images[name].config
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == (
        "65532:65532",
        [command],
        ["run"],
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_image_has_exactly_the_packages_of_its_lock(images: dict[str, Image], name: str) -> None:
    found = images[name].distributions
    assert found.pop("rackwatt") == __version__
    assert found.items() <= pins(name).items()
    assert len(found) > 10


def test_each_image_has_its_own_half_alone(images: dict[str, Image]) -> None:
    collector, operator = images["collector"].packages, images["operator"].packages
    assert {"rackwatt_crds", "rackwatt_exporter", "uvloop"} <= collector
    accounting = images["accounting"].packages
    assert {"rackwatt_operator", "kopf", "kubernetes"}.isdisjoint(collector | accounting)
    assert {"rackwatt_accounting", "sqlalchemy", "joserfc"} <= accounting
    for name, own in PROGRAMS.items():
        found = {
            path.rpartition("/")[2]
            for path in images[name].files
            if path.startswith(f"{VENV}/bin/rackwatt")
        }
        assert found == own
    assert {"rackwatt_accounting", "sqlalchemy", "joserfc"}.isdisjoint(collector | operator)
    assert {"rackwatt_crds", "rackwatt_operator", "kopf", "kubernetes"} <= operator
    assert {"rackwatt_exporter", "rackwatt_trace", "pyghmi", "pysnmp"}.isdisjoint(operator)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_compiles_or_installs_is_left_inside(
    images: dict[str, Image], name: str
) -> None:
    files = images[name].files
    programs = {path.rpartition("/")[2] for path in files if "bin/" in path}
    assert "python3" in programs
    assert COMPILERS.isdisjoint(programs)
    assert not [path for path in files if path.startswith((f"{VENV}/bin/pip", "build", "src"))]
    assert "pip" not in images[name].packages


@pytest.mark.parametrize("name", NAMES)
def test_byte_code_is_there_and_bound_to_no_time(images: dict[str, Image], name: str) -> None:
    files = images[name].files
    ours = [path for path in files if path.startswith(VENV)]
    sources = [path for path in ours if path.endswith(".py")]
    compiled = [path for path in ours if path.endswith(".pyc")]
    assert len(compiled) == len(sources) > 500
    unchecked = (1).to_bytes(4, "little")  # PEP 552: by hash, and not looked at again
    assert {files[path].head[4:8] for path in compiled} == {unchecked}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_slim(images: dict[str, Image], name: str) -> None:
    mib = images[name].path.stat().st_size / 2**20
    print(f"{name}: {mib:.0f} MiB")
    assert mib <= LARGEST_MIB[name]


@pytest.mark.parametrize(
    ("name", "command", "message"),
    [
        ("collector", "rackwatt-exporter --version", f"rackwatt-exporter {__version__}"),
        ("collector", "rackwatt-exporter run --help", "--config.file"),
        ("collector", "ssh -V", "OpenSSH"),
        ("collector", "python3 -c 'import pyghmi, pysnmp, uvloop; print(7 * 6)'", "42"),
        ("collector", COMPILED_LIBRARY, "True"),
        ("operator", COMPILED_LIBRARY, "True"),
        ("operator", "rackwatt-operator --help", "render"),
        ("operator", "rackwatt-operator run --help", "--defaults.file"),
        ("operator", "rackwatt-operator crds", "powertargets.rackwatt.dev"),
        ("operator", "id -u", "65532"),
    ],
)
def test_an_image_serves_its_purpose(
    containers: dict[str, str], name: str, command: str, message: str
) -> None:
    assert message in buildah("run", containers[name], "--", "sh", "-c", command)


@pytest.mark.parametrize("user", [ASSIGNED, "12345:12345"])
@pytest.mark.parametrize(
    ("name", "command", "message"),
    [
        ("collector", "rackwatt-exporter --version", f"rackwatt-exporter {__version__}"),
        ("collector", "ssh -o BatchMode=yes -p 1 127.0.0.1 || true", "port 1: Connection refused"),
        ("collector", f"rackwatt-exporter check /dev/stdin <<END{FAKE}END", "fake"),
        ("operator", "rackwatt-operator run --help", "--defaults.file"),
        ("operator", "rackwatt-operator crds", "powertargets.rackwatt.dev"),
    ],
    ids=["exporter", "ssh", "check", "operator", "crds"],
)
def test_it_works_under_any_user(
    containers: dict[str, str], name: str, command: str, message: str, user: str
) -> None:
    output = buildah("run", f"--user={user}", containers[name], "--", "sh", "-c", command)
    assert message in output


async def test_a_user_without_a_name_logs_in_over_ssh(
    containers: dict[str, str], tmp_path: Path
) -> None:
    async with sshd(tmp_path / "sshd") as peer:
        peer.client_key.chmod(0o644)  # as a Secret that is mounted for any user
        program = LOG_IN.format(port=peer.port, user=peer.user)
        mounted = f"--volume={peer.client_key.parent}:/ssh:ro"
        command = (f"--user={ASSIGNED}", mounted, containers["collector"], "--", "python3", "-c")
        output = await asyncio.to_thread(buildah, "run", *command, program)
        assert "answer of the peer" in output
        assert peer.logins() == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_file_belongs_to_its_user(images: dict[str, Image], name: str) -> None:
    owners = {one.owner for one in images[name].files.values()}
    assert all(65532 not in owner for owner in owners)


def test_it_is_the_same_image_whenever_it_is_built(
    tree: Path, images: dict[str, Image], tmp_path: Path
) -> None:
    rebuilt = build(tree, tmp_path, "collector", NO_CACHE="1", SOURCE_DATE_EPOCH=str(TIME_S))
    before, after = images["collector"].files, rebuilt["collector"].files
    assert before.keys() == after.keys()
    assert [path for path in before if before[path].timeless != after[path].timeless] == []
    assert {one.time_s for path, one in after.items() if path.startswith(VENV)} == {TIME_S}
