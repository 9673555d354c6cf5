"""What one reading costs the whole exporter: polled, stored, booked and written on the page.

`rackwatt-exporter run` polls a simulated fleet in another process, as users run it; its CPU comes
from the kernel. Beside it: how long a scrape takes while it polls.
"""

import os
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.exporter.commands.running import Running, running

NODES = 1000
WARM_S = 25
MEASURED_S = 30
SCRAPES = 50
PORTS = ("--ipmi.port=19623", "--snmp.port=19161", "--redfish.port=19443")


def main() -> None:
    """Measure, and print a small table."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with running("simulate", f"--nodes={NODES}", f"--directory={directory}", *PORTS) as fleet:
            fleet.until_logged(lambda line: "answer on loopback" in line)
            with running(
                "run", f"--config.file={directory}/documents",
                f"--secrets.directory={directory}/secrets", f"--state.directory={directory}/state",
                "--web.listen-address=127.0.0.1:0",
            ) as run:  # fmt: skip
                run.until_served(lambda text: text == "ready\n", "/readyz", 60)
                time.sleep(WARM_S)
                _measure(run)
                assert run.stop() == 0


def _measure(run: Running) -> None:
    pid = run.process.pid
    cpu_s, reads = _cpu_s(pid), _reads(run)
    time.sleep(MEASURED_S)
    cpu_s, reads = _cpu_s(pid) - cpu_s, _reads(run) - reads
    took_ms = sorted(_scrape_ms(run.url) for _ in range(SCRAPES))
    resident = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]
    print(f"{NODES} targets (half IPMI, a third Redfish over TLS, the rest SNMPv3) every 10 s")
    print(
        f"CPU per reading, everything counted   {1000 * cpu_s / reads:8.3f} ms ({reads} readings)"
    )
    print(f"of one core                           {cpu_s / MEASURED_S:8.3f}")
    print(f"resident                              {int(resident) / 1024:8.1f} MiB")
    print(
        f"scrape, p50 / worst of {SCRAPES}              {statistics.median(took_ms):8.1f} / {took_ms[-1]:.1f} ms"
    )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _reads(run: Running) -> int:
    lines = run.get("/metrics").splitlines()
    return sum(
        int(line.split()[-1]) for line in lines if line.startswith("rackwatt_target_reads_total")
    )


def _scrape_ms(url: str) -> float:
    started_s = time.monotonic()
    with urllib.request.urlopen(f"{url}/metrics") as response:
        response.read()
    return 1000 * (time.monotonic() - started_s)


if __name__ == "__main__":
    main()
