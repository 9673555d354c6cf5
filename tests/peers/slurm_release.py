"""The releases of Slurm that tests talk to: this machine's own, and newer ones in trees of their own.

What differs between them for those who start one: where its commands are, which versions of its
REST interface it has, and the options of slurmrestd for them.
"""

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass

from scripts.slurm_trees import commands

SBIN = "/usr/sbin:/usr/local/sbin:/sbin"


@dataclass(frozen=True)
class SlurmRelease:
    """A release: the suite of Debian that it is from, or none for the one that is installed."""

    name: str
    rest_versions: tuple[str, ...]
    accounting_versions: tuple[str, ...] = ()
    suite: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> str | None:
        """Where its commands are, or None where they are in PATH."""
        return str(commands(self.suite)) if self.suite else None

    @property
    def path(self) -> str:
        """PATH with its commands first."""
        inherited = f"{os.environ.get('PATH', '')}:{SBIN}"
        return f"{self.folder}:{inherited}" if self.folder else inherited

    @property
    def cgroup_plugin(self) -> str:
        """What keeps slurmd away from the cgroups of this machine."""
        return "disabled" if self.suite else "cgroup/v1"

    @functools.cached_property
    def version(self) -> str:
        """Its full version, such as 24.11.5."""
        said = subprocess.run(
            (self.command("slurmctld"), "-V"), capture_output=True, text=True, check=True
        )
        return said.stdout.split()[-1]

    def command(self, name: str) -> str:
        """Return the path of a command."""
        found = shutil.which(name, path=self.path)
        assert found, f"no {name}: `make setup tools` provides it"
        return found

    def rest_options(self, versions: tuple[str, ...], accounting: bool) -> tuple[str, ...]:
        """Return the options with which slurmrestd serves these versions, or all that it has.

        Since 23.11 it has one plugin for each daemon, and another for each version.
        """
        versions = versions or self.rest_versions
        if not self.suite:
            plugins = (*versions, *(self.accounting_versions if accounting else ()))
            return ("-s", ",".join(f"openapi/{version}" for version in plugins))
        daemons = ("slurmctld", "slurmdbd") if accounting else ("slurmctld",)
        return ("-s", ",".join(daemons), "-d", ",".join(versions))


OWN = SlurmRelease("22.05", ("v0.0.37", "v0.0.38"), ("dbv0.0.38",))
NEWER = (
    SlurmRelease("24.11", ("v0.0.40", "v0.0.41", "v0.0.42"), suite="trixie"),
    SlurmRelease("26.05", ("v0.0.42", "v0.0.43", "v0.0.44", "v0.0.45"), suite="forky"),
)
RELEASES = (OWN, *NEWER)
