"""`make tools`, with a cache of its own, and a real Go."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALL = "kubeconform"


def start(cache: Path, *words: str, path: str | None = None) -> subprocess.Popen[str]:
    environment = {
        name: value for name, value in os.environ.items() if name != "KUBEBUILDER_ASSETS"
    }
    environment |= {"XDG_CACHE_HOME": str(cache), "PATH": path or os.environ["PATH"]}
    # Go keeps what it has compiled below XDG_CACHE_HOME too, unless GOCACHE is set.
    completed = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True)
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.tools", *words],
        cwd=ROOT,
        env=environment | {"GOCACHE": completed.stdout.strip()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def provide(cache: Path, *words: str, path: str | None = None) -> str:
    process = start(cache, *words, path=path)
    output, _ = process.communicate()
    return output


def program(folder: Path, output: str) -> str:
    """Put a program into a folder that says it is of some version; give a PATH that begins there."""
    folder.mkdir()
    (folder / SMALL).write_text(f"#!/bin/sh\necho {output}\n")
    (folder / SMALL).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def folder_of(cache: Path) -> Path:
    return Path(provide(cache, "--directory").strip())


def test_a_tool_is_built_once_and_is_at_the_path_that_is_printed(tmp_path: Path) -> None:
    output = provide(tmp_path, SMALL)
    assert "built" in output
    assert "1 of 1" in output
    tool = folder_of(tmp_path) / SMALL
    assert tool.is_relative_to(tmp_path)
    version = subprocess.run([tool, "-v"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("v0.")
    assert provide(tmp_path, SMALL) == ""


def test_a_tool_that_is_here_and_fits_is_taken(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "v0.99.1")
    assert f"found in {tmp_path}/bin" in provide(tmp_path, SMALL, path=path)
    assert (folder_of(tmp_path) / SMALL).resolve() == tmp_path / "bin" / SMALL


def test_a_tool_that_does_not_fit_is_reported_and_skipped(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "v9.1.0")
    output = provide(tmp_path, SMALL, path=path)
    assert f"{tmp_path}/bin/{SMALL} is 9.1.0, not 0." in output
    assert "built" in output


def test_two_runs_at_once_build_it_once(tmp_path: Path) -> None:
    runs = [start(tmp_path, SMALL) for _ in range(2)]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert (folder_of(tmp_path) / SMALL).exists()
    assert sum("1 of 1" in text for text in outputs) == 1, outputs


def test_without_go_the_message_says_what_to_install(tmp_path: Path) -> None:
    process = start(tmp_path, SMALL, path=str(tmp_path))
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "Install Go 1.26 or newer" in output
    assert "KUBEBUILDER_ASSETS" in output
    assert "Traceback" not in output


def test_an_unknown_tool_is_rejected(tmp_path: Path) -> None:
    assert "unknown tool hammer" in provide(tmp_path, "hammer")
