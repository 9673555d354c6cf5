"""scripts/namespaces: a user without the rights gets a remedy before anything is built."""

import os
import subprocess

import pytest

from tests.e2e.netns_host import ROOT

UNPRIVILEGED = ("--reuid=65534", "--clear-groups")
CONFINED = ("--bounding-set=-sys_admin", "--inh-caps=-sys_admin")


@pytest.mark.parametrize(
    ("user", "remedy"),
    [(UNPRIVILEGED, "sudo make e2e"), (CONFINED, "start the container with --privileged")],
)
def test_the_namespaces_script_explains_which_rights_are_missing(
    user: tuple[str, ...], remedy: str
) -> None:
    if os.geteuid() != 0:
        user, remedy = (), "sudo make e2e"
    script = (ROOT / "scripts/namespaces").read_text()
    done = subprocess.run(
        ["setpriv", *user, "bash", "-s"], input=script, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert remedy in done.stderr
    assert "make test needs neither" in done.stderr
