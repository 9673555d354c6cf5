"""Run harnesses one after the other, each for FUZZ_SECONDS, and print what they came to.

Names as arguments choose; none means all. What is found goes to `findings/`; the exit status is
then 1. Nothing else is kept: an input that is worth keeping is put into `corpus/` by hand.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.harness import HERE, Harness, harnesses

ROOT = HERE.parents[1]
GRACE_S = 60.0
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+)")
_EXECUTED = re.compile(r"stat::number_of_executed_units: *(\d+)")


def main() -> int:
    """Fuzz; give the exit status."""
    seconds = int(os.environ.get("FUZZ_SECONDS", "10"))
    known = {each.name: each for each in harnesses()}
    if unknown := set(sys.argv[1:]) - set(known):
        print(f"no harness is called {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    print(f"{'harness':<16}{'executions':>12}{'per second':>12}{'coverage':>10}  findings")
    failed = [name for name in sys.argv[1:] or known if not _fuzzed(known[name], seconds)]
    if failed:
        print(f"findings: {', '.join(failed)}; look into {HERE.relative_to(ROOT)}/findings")
    return 1 if failed else 0


def _fuzzed(harness: Harness, seconds: int) -> bool:
    """Fuzz one; return whether nothing was found."""
    harness.findings.mkdir(parents=True, exist_ok=True)
    before = set(harness.findings.iterdir())
    with tempfile.TemporaryDirectory() as grown:
        said, code = _run(_command(harness, seconds, Path(grown)), seconds + GRACE_S)
    found = sorted(set(harness.findings.iterdir()) - before)
    executed = int((_EXECUTED.findall(said) or ["0"])[-1])
    covered = (_COVERED.findall(said) or [("0", "0")])[-1][0]
    names = ", ".join(file.name[:24] for file in found) or ("none" if not code else f"code {code}")
    print(
        f"{harness.name:<16}{executed:>12}{executed // seconds:>12}{covered:>10}  {names}",
        flush=True,
    )
    if code:
        print(_summary(said))
    return not code and not found


def _summary(said: str) -> str:
    """Pick what was found out of all that libFuzzer says."""
    _, mark, rest = said.partition(" === Uncaught Python exception: ===")
    return (mark + rest) if mark else said[-4000:]


def _command(harness: Harness, seconds: int, grown: Path) -> list[str]:
    words = [sys.executable, "-m", "tests.fuzz.runner", harness.name]
    words += [*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={harness.findings}/"]
    if harness.dictionary:
        words.append(f"-dict={harness.dictionary}")
    return [*words, str(grown), str(harness.corpus)]  # it writes to the first folder alone


def _run(command: list[str], limit_s: float) -> tuple[str, int]:
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return (expired.stdout or b"").decode("utf-8", "replace"), 124
    return done.stdout.decode("utf-8", "replace"), done.returncode


if __name__ == "__main__":
    sys.exit(main())
