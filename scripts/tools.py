"""Tools of the operator's tests: `make tools`, `make -s tools-dir`.

An installed tool of a suitable version (in KUBEBUILDER_ASSETS, in PATH) is linked. The others are
built from the Go modules that tests/cluster/tools pins, and kept outside the tree, so that neither
a container engine nor a download of binaries is needed. A change of one group rebuilds no other; an
interrupted build continues.
"""

import argparse
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).parents[1] / "tests/cluster/tools"
FLAGS = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false", "GOWORK": "off"}
VERSION = re.compile(r"\bv?(\d+\.\d[\w.]*)")
SHOWN_LINES = 20


@dataclass(frozen=True)
class Group:
    """Tools of one Go module; a version is suitable if its first `alike` parts are as pinned."""

    name: str
    module: str
    alike: int = 1
    stamp: str = ""  # the variable of the program that the linker sets to its version
    tags: str = ""  # build tags of the program

    @functools.cached_property
    def version(self) -> str:
        """Read the pinned version, as `1.36.3`."""
        match = re.search(
            rf"{re.escape(self.module)} v(\S+)", (PINS / self.name / "go.mod").read_text()
        )
        assert match, f"tests/cluster/tools/{self.name}/go.mod requires no {self.module}"
        return match[1]

    @functools.cached_property
    def key(self) -> str:
        """Identify what is pinned: trees with the same pins share the builds."""
        files = sorted((PINS / self.name).iterdir())
        pinned = [path.read_bytes() for path in files if path.suffix in {".mod", ".sum", ".go"}]
        digest = hashlib.sha256(b"\0".join([repr((self, FLAGS)).encode(), *pinned]))
        return f"{self.name}-{digest.hexdigest()[:12]}"

    def fits(self, version: str) -> bool:
        """Return whether another version is suitable."""
        parts = [text.split(".")[: self.alike] for text in (version, self.version)]
        return parts[0] == parts[1]


KUBERNETES = Group("kubernetes", "k8s.io/kubernetes", 2, "k8s.io/component-base/version.gitVersion")
ETCD = Group("etcd", "go.etcd.io/etcd/server/v3")
HELM = Group("helm", "helm.sh/helm/v4", 1, "helm.sh/helm/v4/internal/version.version")
KUBECONFORM = Group("kubeconform", "github.com/yannh/kubeconform", 1, "main.version")
CONTAINERD = Group(
    "containerd",
    "github.com/containerd/containerd/v2",
    1,
    "github.com/containerd/containerd/v2/version.Version",
)
COREDNS = Group("coredns", "github.com/coredns/coredns")
PROMETHEUS = Group(
    "prometheus",
    "github.com/prometheus/prometheus",
    tags="remove_all_sd,enable_kubernetes_sd",  # Debian's package finds no targets in Kubernetes
)
PROMETHEUS_OPERATOR = Group(
    "prometheus-operator",
    "github.com/prometheus-operator/prometheus-operator",
    2,
    "github.com/prometheus/common/version.Version",
)
KIND = Group("kind", "sigs.k8s.io/kind")


def build(tool: "Tool", target: Path) -> None:
    """Build a program."""
    group = tool.group
    stamp = f" -X {group.stamp}=v{group.version}" if group.stamp else ""
    flags = ("-tags", group.tags, "-ldflags", f"-s -w{stamp}", "-o", str(target))
    _go(group, "build", *flags, tool.package)


def copy(tool: "Tool", target: Path) -> None:
    """Copy a folder of manifests from a module."""
    module = json.loads(_go(tool.group, "mod", "download", "-json", tool.group.module))
    target.mkdir(exist_ok=True)
    for path in (Path(module["Dir"]) / tool.package).glob("*.yaml"):
        (target / path.name).write_bytes(path.read_bytes())


@dataclass(frozen=True)
class Tool:
    """A program, or a folder of manifests: its source and its purpose."""

    name: str
    group: Group
    package: str
    purpose: str = "test"
    version_flags: str = "--version"  # the arguments that print its version
    make: Callable[["Tool", Path], None] = build


TOOLS = (
    Tool("kube-apiserver", KUBERNETES, "k8s.io/kubernetes/cmd/kube-apiserver"),
    Tool("kube-controller-manager", KUBERNETES, "k8s.io/kubernetes/cmd/kube-controller-manager"),
    Tool("kubectl", KUBERNETES, "k8s.io/kubernetes/cmd/kubectl", version_flags="version --client"),
    Tool("etcd", ETCD, ETCD.module),
    Tool("helm", HELM, "helm.sh/helm/v4/cmd/helm", version_flags="version --short"),
    Tool("kubeconform", KUBECONFORM, f"{KUBECONFORM.module}/cmd/kubeconform", version_flags="-v"),
    Tool(
        "prometheus-operator-crd", PROMETHEUS_OPERATOR, "example/prometheus-operator-crd", make=copy
    ),
    Tool("kube-scheduler", KUBERNETES, "k8s.io/kubernetes/cmd/kube-scheduler", "e2e"),
    Tool("kubelet", KUBERNETES, "k8s.io/kubernetes/cmd/kubelet", "e2e"),
    Tool("kube-proxy", KUBERNETES, "k8s.io/kubernetes/cmd/kube-proxy", "e2e"),
    Tool("containerd", CONTAINERD, f"{CONTAINERD.module}/cmd/containerd", "e2e"),
    Tool(
        "containerd-shim-runc-v2",
        CONTAINERD,
        f"{CONTAINERD.module}/cmd/containerd-shim-runc-v2",
        "e2e",
        "-v",
    ),
    Tool("ctr", CONTAINERD, f"{CONTAINERD.module}/cmd/ctr", "e2e"),
    Tool("coredns", COREDNS, ".", "e2e", "-version"),
    Tool("prometheus", PROMETHEUS, f"{PROMETHEUS.module}/cmd/prometheus", "e2e"),
    Tool(
        "prometheus-operator",
        PROMETHEUS_OPERATOR,
        f"{PROMETHEUS_OPERATOR.module}/cmd/operator",
        "e2e",
    ),
    Tool(
        "prometheus-config-reloader",
        PROMETHEUS_OPERATOR,
        f"{PROMETHEUS_OPERATOR.module}/cmd/prometheus-config-reloader",
        "e2e",
    ),
    Tool("kind", KIND, KIND.module, "kind"),
)
PURPOSES = tuple(dict.fromkeys(tool.purpose for tool in TOOLS))


def cache() -> Path:
    """Return the directory of the builds."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "rackwatt/tools"


def directory() -> Path:
    """Return the directory with links to all tools, by their names."""
    pinned = sorted({tool.group.key for tool in TOOLS})
    inputs = [*pinned, os.environ.get("KUBEBUILDER_ASSETS", "")]
    return cache() / hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:12]


def provide(wanted: list[Tool]) -> None:
    """Link each tool into the directory: an installed one, else a built one."""
    if not _missing(wanted):
        return
    with locked():
        missing = _missing(wanted)
        for number, tool in enumerate(missing, 1):
            installed = _installed(tool)
            print(f"  {tool.name:<28}", end="", flush=True)
            started_s = time.monotonic()
            _link(tool, installed or _built(tool))
            outcome = (
                f"found in {installed.parent}" if installed else f"{tool.group.version}, built"
            )
            took_s = time.monotonic() - started_s
            print(f"{outcome:<26}{took_s:4.0f} s  {number} of {len(missing)}", flush=True)


def _missing(wanted: list[Tool]) -> list[Tool]:
    return [tool for tool in wanted if not (directory() / tool.name).exists()]


def _installed(tool: Tool) -> Path | None:
    """Return the path of an installed tool of a suitable version."""
    if tool.make is not build:
        return None
    for folder in (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")):
        path = shutil.which(tool.name, path=folder) if folder else None
        version = _version(path, tool) if path else ""
        if path and tool.group.fits(version):
            return Path(path).resolve()
        if path:
            observed = version or "of an unknown version"
            print(f"  {path} is {observed}, not {tool.group.version}: skipped", flush=True)
    return None


def _version(path: str, tool: Tool) -> str:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [path, *tool.version_flags.split()],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if match := VERSION.search(done.stdout + done.stderr):
            return match[1]
    return ""


def _built(tool: Tool) -> Path:
    """Build a tool, unless it was built before."""
    target = cache() / "built" / tool.group.key / tool.name
    if not target.exists():
        partial = target.with_name(f"{tool.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        tool.make(tool, partial)
        partial.replace(target)
    return target


def _link(tool: Tool, target: Path) -> None:
    directory().mkdir(parents=True, exist_ok=True)
    partial = directory() / f"{tool.name}.part"
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(directory() / tool.name)


def _go(group: Group, *arguments: str) -> str:
    """Run Go in a group's module; return its output."""
    if shutil.which("go") is None:
        raise SystemExit(
            "\nGo is needed to build it. Install Go 1.26 or newer (https://go.dev/dl), or "
            "put programs of the versions in tests/cluster/tools into PATH or KUBEBUILDER_ASSETS."
        )
    done = subprocess.run(
        ["go", *arguments], cwd=PINS / group.name, env={**os.environ, **FLAGS},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()[-SHOWN_LINES:]
        raise SystemExit("\n".join(["", f"go {arguments[0]} failed:", *lines]))
    return done.stdout


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Make a second run wait until this one is done."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("tools: another run is building them, waiting …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Provide the named tools, or those of a purpose; or print their directory."""
    known = {word for tool in TOOLS for word in (tool.name, tool.purpose)}
    parser = argparse.ArgumentParser(description="Build the tools that tests need.")
    parser.add_argument("wanted", nargs="*", metavar="|".join(PURPOSES) + "|TOOL")
    parser.add_argument("--directory", action="store_true", help="print the directory of the tools")
    arguments = parser.parse_args()
    if unknown := set(arguments.wanted) - known:
        parser.error(f"unknown tool {', '.join(sorted(unknown))}")
    if arguments.directory:
        print(directory())
    provide([tool for tool in TOOLS if {tool.name, tool.purpose} & set(arguments.wanted)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
