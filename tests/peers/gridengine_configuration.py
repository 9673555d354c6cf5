"""The files that make a Grid Engine of its own: bootstrap, spool, and the texts that qconf takes.

Loads are reported each second, and a host is unreachable that is silent for a few.
"""

import re
from pathlib import Path

LIBRARY = "/usr/lib/gridengine"
SHARE = "/usr/share/gridengine"

BOOTSTRAP = """
admin_user none
default_domain none
ignore_fqdn true
spooling_method classic
spooling_lib libspoolc
spooling_params {directory}/root/default/common;{directory}/qmaster
binary_path {library}
qmaster_spool_dir {directory}/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
"""
INITIALIZE = """#!/bin/sh
set -e
{library}/spoolinit classic libspoolc "{directory}/root/default/common;{directory}/qmaster" init
{library}/spooldefaults configuration {directory}/global
{library}/spooldefaults complexes {share}/util/resources/centry
{library}/spooldefaults usersets {share}/util/resources/usersets
{library}/spooldefaults managers root
"""
JOB = "#!/bin/sh\nexec sleep 100000\n"
EXEC_HOST = """hostname {name}
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
"""
PARALLEL_ENVIRONMENT = """pe_name {name}
slots 999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule {rule}
control_slaves TRUE
job_is_first_task {first}
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""
# On one host; on several, in turn, without a slot of its own for the first process.
PARALLEL_ENVIRONMENTS = (
    PARALLEL_ENVIRONMENT.format(name="smp", rule="$pe_slots", first="TRUE"),
    PARALLEL_ENVIRONMENT.format(name="mpi", rule="$round_robin", first="FALSE"),
)


def configure(directory: Path, master: str) -> None:
    """Write what spoolinit and sge_qmaster read."""
    common = directory / "root/default/common"
    for path in (common, directory / "qmaster/job_scripts", directory / "execd"):
        path.mkdir(parents=True)
    for name in ("bin", "lib"):
        (directory / "root" / name).mkdir()
        (directory / "root" / name / "lx-amd64").symlink_to(LIBRARY)
    (directory / "root/util").symlink_to(f"{SHARE}/util")
    places = {"directory": directory, "library": LIBRARY, "share": SHARE}
    (common / "bootstrap").write_text(BOOTSTRAP.lstrip().format(**places))
    (common / "act_qmaster").write_text(f"{master}\n")
    text = Path(f"{SHARE}/default-configuration").read_text()
    spool = f"execd_spool_dir {directory}/execd"
    (directory / "global").write_text(re.sub("execd_spool_dir.*", spool, text))
    for name, script in (("initialize", INITIALIZE.format(**places)), ("job", JOB)):
        (directory / name).write_text(script)
        (directory / name).chmod(0o755)


def global_configuration(text: str) -> str:
    """Return the global configuration with quick loads, and jobs of any user."""
    for word, value in (
        ("load_report_time", "00:00:01"),
        ("max_unheard", "00:00:05"),
        ("min_uid", "0"),
        ("min_gid", "0"),
    ):
        text = re.sub(f"^{word} .*", f"{word} {value}", text, flags=re.MULTILINE)
    return text.partition("\n")[2]


def exec_host(name: str) -> str:
    """Return an execution host."""
    return EXEC_HOST.format(name=name)


def queue(template: str, **settings: str) -> str:
    """Return a queue of any load, with these settings."""
    settings = {"load_thresholds": "NONE", "pe_list": "smp mpi", **settings}
    for word, value in settings.items():
        text = re.compile(f"^{word} .*", re.MULTILINE)
        template = text.sub(f"{word} {value}", template)
    return template
