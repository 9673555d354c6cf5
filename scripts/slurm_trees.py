"""Have Slurm as newer releases of Debian package it, each unpacked into a tree of its own.

The packages of the machine's own release are installed, and a second Slurm would have the same
paths. So apt downloads what the newer one needs, down to its C library, from the mirror that this
machine uses, and dpkg unpacks it: no package script runs, and nothing of the machine changes. A
command of the tree runs with the tree's /usr in the place of the machine's, in a mount namespace of
its own, which takes root or a user namespace. Everything else stays as it is: processes, network,
users, files in /tmp.

The trees are kept where `scripts.tools` keeps what it builds.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from scripts.tools import SHOWN_LINES, cache, locked

SUITES = ("trixie", "forky")  # Slurm 24.11; 26.05 or newer
PACKAGES = (
    "slurmctld", "slurmd", "slurm-client", "slurmrestd", "slurmdbd",
    "slurm-wlm-basic-plugins", "slurm-wlm-jwt-plugin",
    "dash", "coreutils", "util-linux",  # what jobs and tests run beside Slurm
)  # fmt: skip
# Of these Debian has variants, which a package script would choose from.
VARIANTS = ("slurmctld", "slurmd", "slurmstepd")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# A command finds by its own name what it is to run, and the tree two folders above itself.
COMMAND = """#!/bin/sh
tree=${0%/*/*}
own=
[ "$(id -u)" = 0 ] || own="--user --map-current-user --keep-caps"
exec unshare --mount $own /bin/sh -c '
  mount --bind "$0/usr" /usr && PATH=/usr/sbin:/usr/bin:/sbin:/bin && export PATH && exec "$@"
' "$tree" "${0##*/}" "$@"
"""


def tree(suite: str) -> Path:
    """Return where the packages of a suite are unpacked."""
    pinned = hashlib.sha256(repr((PACKAGES, VARIANTS, COMMAND)).encode()).hexdigest()[:12]
    return cache() / "built" / f"slurm-{suite}-{pinned}"


def commands(suite: str) -> Path:
    """Return the folder of the commands that run what is in a suite's tree."""
    return tree(suite) / "run"


def provide(suite: str) -> None:
    """Unpack the packages of a suite, unless they are."""
    if tree(suite).exists():
        return
    with locked():
        if tree(suite).exists():
            return
        print(f"  unpacking Slurm of Debian {suite} into {tree(suite)} …", flush=True)
        partial = tree(suite).with_name(f"{tree(suite).name}.part")
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "run").mkdir(parents=True)
        for package in _downloaded(suite, partial / "apt"):
            _output("dpkg-deb", "--extract", str(package), str(partial))
        shutil.rmtree(partial / "apt")
        _complete(partial)
        partial.replace(tree(suite))


def _downloaded(suite: str, directory: Path) -> list[Path]:
    """Download the packages and all that they depend on, as if nothing were installed."""
    archives = directory / "cache/archives"
    for folder in (archives, directory / "lists"):
        (folder / "partial").mkdir(parents=True)
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (directory / "sources").write_text(f"deb {signed}{_mirror()} {suite} main\n")
    (directory / "status").touch()
    settings = {
        "Dir::Etc::SourceList": directory / "sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Status": directory / "status",
        "Dir::State::Lists": directory / "lists",
        "Dir::Cache": directory / "cache",
        "APT::Default-Release": suite,
        "APT::Sandbox::User": "",  # it could not write where we do
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    _output("apt-get", *options, "update")
    flags = ("--yes", "--no-install-recommends", "--download-only")
    _output("apt-get", *options, *flags, "install", *PACKAGES)
    return sorted(archives.glob("*.deb"))


def _mirror() -> str:
    """Return the address that this machine has Debian's packages from."""
    if shutil.which("apt-get") is None:
        raise SystemExit(
            "apt is needed for a second Slurm, which tests talk to: run them on Debian."
        )
    fields = ("--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages")
    for line in _output("apt-get", "indextargets", *fields).splitlines():
        label, address = line.rsplit(" ", 1)
        if label == "Debian":
            return address
    raise SystemExit("apt has no source with the label Debian: run `apt-get update` first.")


def _complete(directory: Path) -> None:
    """Do what scripts of the packages would have done, and add the commands."""
    programs = directory / "usr/sbin"
    for name in VARIANTS:
        if not (programs / name).exists():
            (programs / name).symlink_to(f"{name}-wlm")
    found = (*programs.glob("slurm*"), *(directory / "usr/bin").glob("s*"))
    names = {path.name for path in found if _is_of_slurm(path)} | {"setpriv"}
    for name in names:
        (directory / "run" / name).write_text(COMMAND)
        (directory / "run" / name).chmod(0o755)


def _is_of_slurm(path: Path) -> bool:
    return path.is_file() and b"libslurm" in path.read_bytes()


def _output(*command: str) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()[-SHOWN_LINES:]
        raise SystemExit("\n".join([f"{command[0]} failed:", *lines]))
    return done.stdout


if __name__ == "__main__":
    for name in SUITES:
        provide(name)
