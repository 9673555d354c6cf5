"""Whoever may not make a machine is told what is needed, before anything is built."""

import os
import subprocess

import pytest

from tests.e2e.netns_host import ROOT

NOBODY = ("--reuid=65534", "--clear-groups")
CONFINED = ("--bounding-set=-sys_admin", "--inh-caps=-sys_admin")


@pytest.mark.parametrize(
    ("who", "told"),
    [(NOBODY, "sudo make e2e"), (CONFINED, "start the container with --privileged")],
)
def test_who_may_not_make_namespaces_is_told_what_is_needed(
    who: tuple[str, ...], told: str
) -> None:
    if os.geteuid() != 0:
        who, told = (), "sudo make e2e"
    script = (ROOT / "scripts/namespaces").read_text()
    done = subprocess.run(
        ["setpriv", *who, "bash", "-s"], input=script, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert "make test needs neither" in done.stderr
