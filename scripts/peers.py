"""Have the Python programs that tests talk to, each in a virtual environment of its own.

Their requirements are pinned and do not fit beside ours. The environments are kept outside the
tree, where `scripts.tools` keeps what it builds; another set of pins, or another Python, makes
another environment.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from scripts.tools import cache, locked

PEERS = Path(__file__).parents[1] / "tests/peers"
NAMES = ("openstack",)


def python(name: str) -> Path:
    """Return the interpreter of a peer's environment."""
    pinned = hashlib.sha256(_requirements(name).read_bytes() + sys.version.encode())
    return cache() / "built" / f"{name}-{pinned.hexdigest()[:12]}" / "bin/python"


def provide(name: str) -> None:
    """Create a peer's environment, unless it is complete."""
    directory = python(name).parents[1]
    complete = directory / ".complete"
    if complete.exists():
        return
    with locked():
        if complete.exists():
            return
        print(f"  installing {name} into {directory} …", flush=True)
        venv.create(directory, symlinks=True, with_pip=True, clear=True)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        done = subprocess.run(
            [directory / "bin/python", *install, "--requirement", _requirements(name)], check=False
        )
        if done.returncode:
            raise SystemExit(f"pip could not install {_requirements(name)}")
        complete.touch()


def _requirements(name: str) -> Path:
    return PEERS / name / "requirements.txt"


if __name__ == "__main__":
    for peer in NAMES:
        provide(peer)
