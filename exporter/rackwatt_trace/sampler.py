"""The sampler: it reports what a command uses until the command ends, and touches nothing else.

It is a process of its own that holds none of the command's files. Signals for the job do not end
it, the end of the command does, at once. It is nicer than the job, and the first to go where memory
runs out.
"""

import json
import os
import pwd
import select
import signal
import sys
import threading
import time
from contextlib import suppress

from rackwatt_trace.energy import NodeEnergy
from rackwatt_trace.gpus import Gpus
from rackwatt_trace.options import Options
from rackwatt_trace.processes import ProcessTree, Usage
from rackwatt_trace.sender import Sender

_FIRST_S = 1.0  # until the first report, at most: processes that start together do not report so
_NICE = 10
_CHECK_S = 1.0
_IGNORED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGALRM, signal.SIGTSTP,
)  # fmt: skip

Report = dict[str, object]


def run(options: Options, tree: ProcessTree) -> None:
    """Report until the command ends; that ends this process."""
    _detach(keeps_stderr=options.verbose or options.dry_run)
    threading.Thread(target=_end_with, args=(tree,), daemon=True).start()
    reporter = Reporter(options, tree)
    time.sleep(_fraction() * min(_FIRST_S, options.interval_s))
    due_s = time.monotonic()
    while reporter.report():
        due_s = max(due_s + options.interval_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))


class Reporter:
    """What is reported of one command, from one sample to the next."""

    def __init__(self, options: Options, tree: ProcessTree) -> None:
        self._options = options
        self._tree = tree
        self._user = _user()
        self._energy = NodeEnergy(options.interval_s)
        self._gpus = Gpus()
        self._last: tuple[float, Usage] | None = None
        self._sender = Sender(options) if options.endpoint and not options.dry_run else None

    def report(self) -> bool:
        """Take a sample and send it; return False once the command has ended."""
        usage, now_s = self._tree.sample(), time.monotonic()
        if usage is None:
            return False
        body = json.dumps(self._message(usage, now_s))
        self._last = now_s, usage
        outcome = "not sent" if self._sender is None else self._sender.send(body.encode())
        if self._options.verbose or self._options.dry_run:
            print(f"rackwatt-trace: {body}: {outcome}", file=sys.stderr, flush=True)
        return True

    def _message(self, usage: Usage, now_s: float) -> Report:
        """Return the report; what is not known is left out of it."""
        job = self._options.job
        message: Report = {
            "job_id": job.id,
            "step": job.step,
            "rank": job.rank,
            "cluster": job.cluster,
            "pid": self._tree.root,
            "hostname": job.host,
            "username": self._user,
            "cpus": self._cpu_percent(usage, now_s),
            "threads": usage.threads,
            "processes": usage.processes,
            "mem": usage.resident_bytes,
            "read_bytes": usage.read_bytes,
            "write_bytes": usage.written_bytes,
            "node_joules": self._energy.read(),
            **self._gpus.read(usage.pids),
        }
        return {name: value for name, value in message.items() if value is not None}

    def _cpu_percent(self, usage: Usage, now_s: float) -> float | None:
        """Return percent of one CPU since the last sample; None at the first."""
        if self._last is None:
            return None
        last_s, last = self._last
        return round(100 * (usage.cpu_s - last.cpu_s) / (now_s - last_s), 2)


def _detach(keeps_stderr: bool) -> None:
    """Release every file of the command, and ignore the signals of the job."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1) if keeps_stderr else (0, 1, 2):
        os.dup2(null, descriptor)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with suppress(OSError):  # that of the list itself
                os.close(int(name))
    with suppress(OSError):
        os.nice(_NICE)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _end_with(tree: ProcessTree) -> None:
    """End this process, whatever it does then, when the command ends."""
    try:
        descriptor = os.pidfd_open(tree.root)
        waits_for_events = select.poll()
        waits_for_events.register(descriptor, select.POLLIN)
        if tree.is_alive():  # its id is not another process' by now
            waits_for_events.poll()
    except (AttributeError, OSError):  # it has ended, or Linux is older than 5.3
        while tree.is_alive():
            time.sleep(_CHECK_S)
    os._exit(0)


def _user() -> str:
    """Return the name of the user; one without an entry is its number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("SLURM_JOB_USER") or os.environ.get("USER") or str(os.getuid())


def _fraction() -> float:
    return int.from_bytes(os.urandom(2)) / 2**16
