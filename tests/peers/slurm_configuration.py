"""The files that make a Slurm of its own: slurm.conf and the key of tokens, in one directory.

Nodes stay as tests make them: Slurm itself would call a node down that needs more than a minute for
its restart, or is silent for five.
"""

import getpass
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={directory}/jwt.key
StateSaveLocation={directory}/state
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.%n.pid
SlurmdSpoolDir={directory}/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=1000
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,bf_yield_interval=10000000
MpiDefault=none
ReturnToService=0
KillWait=1
MessageTimeout=30
SlurmdTimeout=65000
Epilog={directory}/epilog
SuspendProgram=/bin/true
ResumeProgram=/bin/true
RebootProgram=/bin/true
SuspendTime=100000
SuspendTimeout=1
ResumeTimeout=65000
SlurmdParameters=config_overrides
{more}
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {size} State=UNKNOWN\n"
# Decorative nodes have the first slurmd's address: it answers pings for them, and they stay as set.
DOWN = "NodeName={name} NodeAddr=127.0.0.1 Port={port} {size} State=DOWN Reason=decorative\n"
SIZE = "CPUs=8 RealMemory=16000"
PARTITION = "PartitionName={name} Nodes={nodes} Default={default} MaxTime=INFINITE State=UP\n"
# As long as the file is there, jobs that end stay in COMPLETING.
EPILOG = "#!/bin/sh\nwhile [ -e {directory}/hold-epilog ]; do sleep 0.05; done\n"


@dataclass(frozen=True)
class Layout:
    """Real nodes with the port of each one's slurmd, decorative ones, slurmctld's port.

    `more` is added to slurm.conf; there, what comes last counts. `gpus` is how many H100 each real
    node seems to have: devices of NVIDIA's kind that no driver is behind.
    """

    nodes: dict[str, int]
    decorative: list[str]
    controller: int
    more: str
    gpus: int = 0
    name: str = "toy"
    cgroup_plugin: str = "cgroup/v1"


def configure(directory: Path, layout: Layout, jwt_key: bytes) -> None:
    """Write all files."""
    for name in ("state", *(f"spool/{node}" for node in layout.nodes)):
        (directory / name).mkdir(parents=True)
    (directory / "slurm.conf").write_text(_slurm_conf(directory, layout))
    (directory / "cgroup.conf").write_text(f"CgroupPlugin={layout.cgroup_plugin}\n")
    if layout.gpus:
        _add_gpus(directory, layout)
    (directory / "epilog").write_text(EPILOG.format(directory=directory))
    (directory / "epilog").chmod(0o755)
    (directory / "jwt.key").write_bytes(jwt_key)
    (directory / "jwt.key").chmod(0o600)


def _add_gpus(directory: Path, layout: Layout) -> None:
    for number in range(layout.gpus):
        os.mknod(directory / f"nvidia{number}", 0o600 | stat.S_IFCHR, os.makedev(195, number))
    devices = f"{directory}/nvidia[0-{layout.gpus - 1}]"
    lines = [f"NodeName={node} Name=gpu Type=h100 File={devices}\n" for node in layout.nodes]
    (directory / "gres.conf").write_text("".join(lines))


def _slurm_conf(directory: Path, layout: Layout) -> str:
    host = socket.gethostname()
    text = CONFIG.format(
        name=layout.name,
        host=host,
        port=layout.controller,
        user=getpass.getuser(),
        directory=directory,
        more=layout.more,
    )
    size = f"{SIZE} Feature=intel,ib"
    if layout.gpus:
        text += "GresTypes=gpu\n"
        size += f" Gres=gpu:h100:{layout.gpus}"
    for name, port in layout.nodes.items():
        text += NODE.format(name=name, host=host, port=port, size=size)
    answers = next(iter(layout.nodes.values()))
    for name in layout.decorative:
        text += DOWN.format(name=name, port=answers, size=SIZE)
    nodes = ",".join([*layout.nodes, *layout.decorative])
    for name, default in (("batch", "YES"), ("again", "NO")):
        text += PARTITION.format(name=name, nodes=nodes, default=default)
    return text
