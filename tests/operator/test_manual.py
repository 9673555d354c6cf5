"""The operator's pages agree with the code, and their commands run as written."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rackwatt_operator.commands import run
from rackwatt_operator.kube.resources import BY_NAME
from tests.cluster.cluster import Cluster
from tests.operator.kube_user import KubeUser, binding, fleet, object_key

ROOT = Path(__file__).parents[2]
PAGES = {
    name: (ROOT / f"docs/{name}.md").read_text()
    for name in ("operator", "operator-status", "operator-commands")
}
BLOCKS = re.findall(r"^```\n(.*?)^```", "\n".join(PAGES.values()), re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("kubectl ")]

PACKAGE = ROOT / "operator/rackwatt_operator"
CAMEL = re.compile(r"[A-Z][a-z]+(?:CRDs|[A-Z][a-z]+)*")
# Words that stand in the same modules and are no reasons.
OTHERS = {
    "False",
    "True",
    "Unknown",
    "Exists",
    "In",
    "NotIn",
    "Progressing",
    "WriteThrottle",
    "Workload",
    *BY_NAME,
}
# What Kubernetes gives as a reason, and we hand on.
HANDED_ON = {"ProgressDeadlineExceeded", "ReplicaFailure"}


def reasons() -> Iterator[str]:
    """Yield the strings that are used as reasons: the CamelCase ones, where reasons are set."""
    for file in (*PACKAGE.glob("status/*.py"), PACKAGE / "controller/apply.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            word = node.value if isinstance(node, ast.Constant) else None
            if isinstance(word, str) and CAMEL.fullmatch(word):
                yield word
    for file in PACKAGE.glob("manifests/*.py"):
        yield from re.findall(r'BuildFailure\(\s*"(\w+)"', file.read_text())


def test_docs_explain_every_reason_and_no_other() -> None:
    table = set(re.findall(r"^\| `([A-Z]\w+)` \|", PAGES["operator-status"], re.MULTILINE))
    passing = {"Terminating", "NamespaceTerminating", "ApiUnavailable"}
    assert all(f"`{reason}`" in PAGES["operator-commands"] for reason in passing)
    assert table == (set(reasons()) - OTHERS - passing) | HANDED_ON


def test_docs_list_every_flag_of_run() -> None:
    flags = re.findall(r'"--([a-z]+(?:\.[a-z-]+)?)"', Path(run.__file__).read_text())
    assert flags
    for flag in [*flags, "log.level", "log.format"]:
        assert f"`--{flag}" in PAGES["operator-commands"]


@pytest.mark.usefixtures("operator")
def test_docs_quote_commands_that_work_as_written(
    operated: Cluster, kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    lab = object_key(kube_user.apply(fleet("lab", namespace, schedulerRef={"name": "prod"})))
    kube_user.until_reason(lab, "Accepted", "BindingMissing")
    kube_user.apply(binding("prod", namespace))
    kube_user.until_reason(lab, "Accepted", "Accepted")
    (tmp_path / "password").write_text("calvin")
    settings = yaml.safe_load(operated.kubeconfig.read_text())
    settings["contexts"][0]["context"]["namespace"] = namespace
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(settings))
    environment = {
        **os.environ,
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PATH": f"{operated.tools}:{os.environ['PATH']}",
    }
    assert COMMANDS
    for command in COMMANDS:
        # No node runs collectors here; tests/e2e waits for Ready.
        shell_command = command.replace("condition=Ready", "condition=Accepted")
        done = subprocess.run(
            shell_command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout, command
    kube_user.until_reason(lab, "Accepted", "Accepted")
