import argparse
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from rackwatt_exporter.commands import check as check_command
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.remedies import REMEDIES
from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.commands.exporter_process import COMMAND
from tests.exporter.running_exporter import power_target
from tests.exporter.targets.redfish.tree import ROOT, machine
from tests.exporter.targets.redfish.tree import sensors as served
from tests.exporter.units.cgroup_tree import CgroupTree, Use

CHASSIS = f"{ROOT}/Chassis/1"


def check(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "check", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def lab(directory: Path, hosts: str) -> Path:
    path = directory / "lab.yaml"
    path.write_text(power_target(hosts))
    return path


def test_check_exits_with_0_and_prints_a_table_when_all_are_read(tmp_path: Path) -> None:
    done = check(lab(tmp_path, '[{names: "n[1-2]", fake: {min: 300, max: 300}}]'))
    assert done.returncode == 0, done.stderr
    head, first, second, total = done.stdout.splitlines()
    assert head.split() == ["node", "address", "method", "watts", "latency", "reason"]
    assert first.split()[:4] == ["n1", "n1", "fake", "300.0"]
    assert second.split()[0] == "n2"
    assert total == "2 targets, 0 problems: 2 read, 0 failed"
    assert done.stderr == ""


def test_a_target_that_fails_is_1_and_says_why(tmp_path: Path) -> None:
    path = lab(tmp_path, "[{names: n1}, {names: n2, method: ipmi, address: 127.0.0.1}]")
    done = check(f"--config.file={path}", f"--secrets.directory={tmp_path}")
    assert done.returncode == 1
    assert (
        "credentials_missing: credentials.secretRef is missing: it names the Secret with username"
        in done.stdout
    )
    assert done.stdout.endswith("2 targets, 0 problems: 1 read, 1 failed\n")


def test_check_shows_what_a_scheduler_reports_and_what_it_could_not_read(tmp_path: Path) -> None:
    sinfo = tmp_path / "sinfo"
    sinfo.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--version*) echo slurm 24.11.5;; *%D*) echo "2|2|";;\n'
        '*) echo "n1|idle|idle|n1|"; echo "n2|idle|module: loaded";; esac\n'
    )
    sinfo.chmod(0o755)
    squeue = tmp_path / "squeue"
    columns = "8_[3-9%3]|rackwatt|PENDING|cpu=1|bob|||batch||N/A|N/A|N/A|N/A|1|N/A|N/A|8||8_[3-9%3]|Priority|8_[3-9%3]|"
    squeue.write_text(f"#!/bin/sh\necho '{columns}'\n")
    squeue.chmod(0o755)
    path = tmp_path / "slurm.yaml"
    path.write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: SchedulerBinding\nmetadata: {name: prod}\n"
        f"spec: {{cluster: prod, slurm: {{cli: {{path: {tmp_path}}}}}}}\n"
    )
    done = check(path)
    assert done.returncode == 0, done.stderr
    note = "1 node could not be read: sinfo counts 2 nodes and lists 1"
    assert f"24.11.5: 1 idle; jobs: 7 pending; note: {note}" in done.stdout
    (scheduler,) = json.loads(check("--output=json", path).stdout)["schedulers"]
    assert scheduler["note"].startswith(note)
    assert scheduler["summary"] == "24.11.5: 1 idle; jobs: 7 pending"


def test_check_says_where_jobs_report_or_which_secret_is_missing_for_it(tmp_path: Path) -> None:
    path = tmp_path / "noop.yaml"
    tracing = "{enabled: true, path: /jobs, tokenSecretRef: {name: trace, key: token}}"
    path.write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: SchedulerBinding\nmetadata: {name: prod}\n"
        f"spec: {{cluster: prod, noop: {{}}, tracing: {tracing}}}\n"
    )
    secrets = f"--secrets.directory={tmp_path}"
    assert (
        "note: jobs cannot report at /jobs: Secret trace is missing" in check(path, secrets).stdout
    )
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace/token").write_text("secret")
    output = check(path, secrets).stdout
    assert "note: jobs report at /jobs\n" in output
    assert "secret" not in output


def test_a_document_that_is_wrong_is_2_whatever_else_was_read(tmp_path: Path) -> None:
    done = check(lab(tmp_path, '[{names: n1}, {names: "n[1-4]", addresses: "a[1-3]"}]'))
    assert done.returncode == 2
    assert "PowerTarget lab: spec.bmc.hosts[1].addresses: 4 names but 3 addresses" in done.stderr


def test_offline_polls_nothing(tmp_path: Path) -> None:
    path = lab(tmp_path, "[{names: n1, method: ipmi, address: 192.0.2.1}]")
    done = check("--offline", path)
    assert done.returncode == 0
    assert done.stdout == "1 target, 0 problems: not polled\n"


def test_a_shard_reads_its_part_and_validates_every_document(tmp_path: Path) -> None:
    path = lab(tmp_path, '[{names: "n[1-20]"}, {names: n3}]')
    shares = [check("--output=json", f"--shard={number}/3", path) for number in (1, 2, 3)]
    parts = [json.loads(share.stdout) for share in shares]
    nodes = [target["node"] for part in parts for target in part["targets"]]
    assert sorted(nodes) == sorted(f"n{number}" for number in range(1, 21))
    assert all(part["targets"] for part in parts)
    assert all("'n3' is already defined at" in part["problems"][0] for part in parts)


def test_an_invalid_shard_is_reported(tmp_path: Path) -> None:
    done = check("--shard=4/3", lab(tmp_path, "[{names: n1}]"))
    assert done.returncode == 2
    assert "'4/3' is not I/N, such as 2/4 for the second of four" in done.stderr


def test_json_is_for_programs(tmp_path: Path) -> None:
    path = lab(tmp_path, "[{names: n1, fake: {min: 5, max: 5}}, {names: n2, x: 1}]")
    done = check("--output=json", path)
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert report["targets"][0]["watts"] == 5.0
    assert report["targets"][1]["reason"] == "invalid_entry"
    assert "spec.bmc.hosts[1].x: unknown field" in report["problems"][0]


def test_a_file_that_is_not_there_is_a_wrong_document(tmp_path: Path) -> None:
    done = check(tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "No such file" in done.stderr


def test_collectors_of_this_machine_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: nodes}\n"
        "spec: {node: {collectors: [rapl, cpu]}}\n"
    )
    here = ("--node.name=n17", f"--path.sysfs={tmp_path}/sys", tmp_path / "nodes.yaml")
    done = check(*here)
    _, rapl, cpu, total = done.stdout.splitlines()
    assert done.returncode == 1
    assert rapl.split()[:3] == ["n17", "-", "rapl"]
    assert "absent: " in rapl
    assert cpu.split()[:4] == ["n17", "-", "cpu", "-"]
    assert total == "2 collectors, 0 problems: 1 read, 1 failed"
    Powercap(tmp_path / "sys", XEON)
    assert check(*here).returncode == 0


def test_check_prints_the_power_of_the_whole_node(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: nodes}\n"
        "spec: {node: {collectors: [ipmi], ipmi: {command: [echo, 412.5 W]}}}\n"
    )
    done = check(tmp_path / "nodes.yaml", "--node.name=n17")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split()[:4] == ["n17", "-", "ipmi", "412.5"]


def test_units_of_this_machine_are_counted(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    for job in (1, 2):
        tree.group(f"system.slice/slurmstepd.scope/job_{job}", Use())
    (tmp_path / "n.yaml").write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: nodes}\n"
        "spec: {node: {collectors: [cpu], units: {slurm: {}, kubernetes: {}}}}\n"
    )
    done = check(tmp_path / "n.yaml", f"--path.sysfs={tmp_path}/sys", "--node.name=n17")
    rows = [line.split(maxsplit=5) for line in done.stdout.splitlines()]
    found = {row[2]: row[-1] for row in rows if row[0] == "n17"}
    assert found["slurm"].endswith("2 units")
    assert (
        "0 units; note: there is no control group kubepods or kubepods.slice yet"
        in found["kubernetes"]
    )
    assert done.returncode == 0


def test_a_collector_of_auto_that_is_absent_is_no_failure_of_check(tmp_path: Path) -> None:
    path = tmp_path / "nodes.yaml"
    path.write_text(
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: nodes}\n"
        "spec: {node: {}}\n"
    )
    here = ("--node.name=n17", f"--path.sysfs={tmp_path}/sys", path)
    done = check(*here)
    assert done.returncode == 0, done.stdout
    (rapl,) = [line for line in done.stdout.splitlines() if " rapl " in line]
    assert f"absent: {tmp_path}/sys/class/powercap: No such file or directory." in rapl
    assert re.search(r": [1-9]\d* read, 0 failed, [1-9]\d* absent$", done.stdout.rstrip())
    collectors = json.loads(check("--output=json", *here).stdout)["collectors"]
    (plain,) = [one for one in collectors if one["method"] == "rapl"]
    assert (plain["reason"], plain["absent"][:15]) == (None, str(tmp_path)[:15])


def test_the_json_of_check_has_the_remedy_of_a_failure(tmp_path: Path) -> None:
    path = lab(tmp_path, "[{names: n1}, {names: n2, method: ipmi, address: 127.0.0.1}]")
    done = check("--output=json", f"--config.file={path}", f"--secrets.directory={tmp_path}")
    read, failed = json.loads(done.stdout)["targets"]
    assert read["remedy"] is None
    assert failed["remedy"] == REMEDIES[Reason.CREDENTIALS_MISSING].remedy


def test_a_list_and_a_secret_beside_it_are_checked_as_they_are(tmp_path: Path) -> None:
    fleet = power_target("[{names: n1, fake: {min: 5, max: 5}}, {names: n2, zzq: 1}]")
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: bmc}\n"
    items = [*yaml.safe_load_all(fleet), *yaml.safe_load_all(secret)]
    path = tmp_path / "all.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    done = check("--offline", path)
    assert done.returncode == 2
    note, problem = done.stderr.splitlines()
    assert note == f"note: {path} Secret bmc of v1 is not a Rackwatt resource: skipped"
    assert problem.startswith(f"{path} PowerTarget lab: items[0].spec.bmc.hosts[1].zzq: unknown")
    assert done.stdout == "2 targets, 1 problem: not polled\n"
    report = json.loads(check("--offline", "--output=json", path).stdout)
    assert len(report["notes"]) == len(report["problems"]) == 1


def test_check_counts_targets_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    zone = "spec: {grid: {zone: FR, static: {gramsPerKilowattHour: 56}}}\n"
    grid = f"apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {{name: fr}}\n{zone}"
    path.write_text(f"{power_target('[{names: n1}]')}---\n{grid}")
    assert check("--offline", path).stdout == "1 target, 1 grid, 0 problems: not polled\n"


def test_an_empty_file_is_noted_and_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("---\n# later\n")
    done = check("--offline", path)
    assert done.returncode == 0
    assert done.stderr == f"note: {path} is empty: it has no document\n"


def test_a_name_that_two_files_have_is_a_problem_whatever_else_is_wrong(tmp_path: Path) -> None:
    for name, hosts in (("a", "[{names: n1, zzq: 1}]"), ("b", "[]")):
        (tmp_path / f"{name}.yaml").write_text(power_target(hosts))
    done = check("--offline", tmp_path)
    assert done.returncode == 2
    assert f"b.yaml PowerTarget lab: duplicate: already defined in {tmp_path}/a.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 3


@contextmanager
def redfish_service(sensors: int) -> Iterator[int]:
    """Serve a tree over HTTP whose last sensor, named by its Name alone, has the machine's watts."""
    base = f"{CHASSIS}/Sensors"
    ids = [f"0x{number:02x}" for number in range(sensors)]
    resources = machine() | served(*ids)
    resources[f"{base}/{ids[-1]}"]["Name"] = "Total Power"
    resources["/redfish/v1"] = {"@odata.id": "/redfish/v1/", "RedfishVersion": "1.6.0"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = resources.get(self.path.partition("?")[0].rstrip("/"))
            body = json.dumps(found or {}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_search_that_is_spread_over_tries_is_continued_to_its_end(tmp_path: Path) -> None:
    with redfish_service(sensors=90) as port:
        options = f"{{scheme: http, port: {port}, auth: basic}}"
        hosts = f"[{{names: n1, addresses: 127.0.0.1, method: redfish, redfish: {options}}}]"
        (tmp_path / "secrets/bmc").mkdir(parents=True)
        for key in ("username", "password"):
            (tmp_path / "secrets/bmc" / key).write_text("x")
        text = power_target(
            hosts.replace("method:", "credentials: {secretRef: {name: bmc}}, method:")
        )
        (tmp_path / "lab.yaml").write_text(text)
        secrets = f"--secrets.directory={tmp_path}/secrets"
        done = check(tmp_path / "lab.yaml", secrets, "--output=json")
    (row,) = json.loads(done.stdout)["targets"]
    assert row["source"] == "Chassis/1/Sensors/0x59", row


def test_check_describes_every_argument_in_its_help() -> None:
    built = argparse.ArgumentParser()
    commands = built.add_subparsers()
    check_command.add(commands)
    undescribed = [one.dest for one in commands.choices["check"]._actions if not one.help]
    assert undescribed == []
