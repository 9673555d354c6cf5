"""Nova's API on a port, with a database that it fills first; run by the Python that has Nova.

There is no `nova-compute`, and so no message queue: the services and compute nodes that it would
write are read from a file. Each step of `nova-manage` is a fork, since it takes seconds to import.
"""

import datetime
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def fork(step: str, *arguments: str) -> None:
    """Run one step in a process of its own."""
    process = os.fork()
    if process == 0:
        if step == "fill":
            fill(*arguments)
        else:
            sys.argv = ["nova-manage", "--config-file", *arguments]
            manage.main()
        os._exit(0)
    if os.waitpid(process, 0)[1]:
        raise SystemExit(f"{step} failed")


def fill(configuration: str, hypervisors: str) -> None:
    """Write the compute nodes of a file, each of a service of its own."""
    from nova import config, context, objects

    config.parse_args(["nova", "--config-file", configuration])
    objects.register_all()
    admin = context.get_admin_context()
    cells = objects.CellMappingList.get_all(admin)
    cell = next(cell for cell in cells if not cell.is_cell0())
    for number, fields in enumerate(json.loads(Path(hypervisors).read_text())):
        host = f"host{number}"
        with context.target_cell(admin, cell) as inside:
            write(inside, host, fields)
        objects.HostMapping(admin, host=host, cell_mapping=cell).create()


def write(context: Any, host: str, fields: Mapping[str, Any]) -> None:
    """Write one compute node and its service."""
    from nova import objects
    from oslo_utils import timeutils

    reason = fields.get("disabled_reason")
    service = objects.Service(
        context, host=host, binary="nova-compute", topic="compute", report_count=1,
        disabled=reason is not None, disabled_reason=reason,
    )  # fmt: skip
    service.create()
    silent = datetime.timedelta(days=0 if fields.get("up", True) else 1)
    service.last_seen_up = timeutils.utcnow() - silent
    service.save()
    objects.ComputeNode(
        context, host=host, uuid=fields["uuid"], hypervisor_hostname=fields["name"],
        hypervisor_type=fields.get("type", "QEMU"), hypervisor_version=1, host_ip="127.0.0.1",
        vcpus=64, vcpus_used=fields.get("vcpus_used", 0), memory_mb=256_000,
        memory_mb_used=fields.get("memory_mb_used", 512), running_vms=fields.get("running_vms", 0),
        local_gb=1, local_gb_used=0, free_ram_mb=0, free_disk_gb=1, current_workload=0,
        disk_available_least=0, cpu_info="{}", stats={"uptime": "1 day"},
        cpu_allocation_ratio=1.0, ram_allocation_ratio=1.0, disk_allocation_ratio=1.0,
    ).create()  # fmt: skip


def prepare(directory: str, cell0: str, hypervisors: str) -> None:
    """Make the databases."""
    configuration = f"{directory}/nova.conf"
    fork("nova-manage", configuration, "api_db", "sync")
    fork("nova-manage", configuration, "cell_v2", "map_cell0", "--database_connection", cell0)
    fork("nova-manage", configuration, "db", "sync")
    fork("nova-manage", configuration, "cell_v2", "create_cell", "--name", "cell1")
    fork("fill", configuration, hypervisors)


if __name__ == "__main__":
    directory, port, *rest = sys.argv[1:]
    if rest:
        from nova.cmd import manage

        prepare(directory, *rest)
        # nova-manage imports eventlet, which the API refuses to start beside.
        os.execv(sys.executable, [sys.executable, __file__, directory, port])
    sys.argv = sys.argv[:1]  # Nova parses them itself
    os.environ["OS_NOVA_CONFIG_DIR"] = directory
    from cheroot.wsgi import Server
    from nova.wsgi.osapi_compute import application

    Server(("127.0.0.1", int(port)), application, numthreads=4).start()
