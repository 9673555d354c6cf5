"""Every benchmark, one after the other, each in a process of its own: `make bench`.

They print figures and ratios against a peer measured in the same run; nothing here passes or fails.
"""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run all, or those whose names are given (`python -m tests.bench ipmi`)."""
    here = Path(__file__).parent
    names = sys.argv[1:] or sorted(
        path.stem.removeprefix("bench_") for path in here.glob("bench_*.py")
    )
    today = datetime.datetime.now(datetime.UTC).date()
    print(
        f"{today}, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    for name in names:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.bench.bench_{name}"], check=True)


if __name__ == "__main__":
    main()
