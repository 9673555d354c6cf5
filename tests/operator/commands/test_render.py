import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rackwatt_operator.__main__ import main
from tests.operator.manifests.builders import binding, fleet

FLEET = fleet("schedulerRef: {name: prod}")


def documents(directory: Path, text: str) -> str:
    path = directory / "documents.yaml"
    path.write_text(text)
    return str(path)


def render(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["render", *arguments]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def test_render_prints_what_the_operator_would_apply_in_a_stable_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = documents(tmp_path, FLEET + "---\n" + binding())
    kinds = [manifest["kind"] for manifest in render(capsys, path)]
    one = ["ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "Deployment"]
    assert kinds == [*one, "ServiceMonitor", "PrometheusRule", "ConfigMap"] * 2
    assert main(["render", path]) == 0
    first = capsys.readouterr().out
    assert main(["render", path]) == 0
    assert capsys.readouterr().out == first


def test_render_omits_kinds_of_prometheus_operator_without_monitoring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = documents(tmp_path, FLEET)
    kinds = {manifest["kind"] for manifest in render(capsys, path, "--without-monitoring")}
    assert not kinds & {"ServiceMonitor", "PrometheusRule"}


def test_render_resolves_bindings_in_the_same_namespace_among_all_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "fleet.yaml").write_text(FLEET)
    (tmp_path / "a" / "binding.yml").write_text(binding())
    (tmp_path / "a" / "notes.txt").write_text("nothing")
    elsewhere = documents(tmp_path, binding(name="other").replace("power", "elsewhere"))
    manifests = render(capsys, str(tmp_path / "a"), elsewhere)
    text = yaml.safe_dump_all(manifests)
    assert "http://sb-prod.power.svc:9123" in text
    assert "sb-other.power" not in text


def test_render_sets_the_namespace_of_documents_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = FLEET.replace(", namespace: power", "") + "---\n" + binding()
    manifests = render(capsys, documents(tmp_path, both), "--namespace=mine")
    placed = {m["metadata"]["name"]: m["metadata"]["namespace"] for m in manifests}  # type: ignore[index]
    assert placed["pt-lab"] == "mine"
    assert placed["sb-prod"] == "power"


@pytest.mark.parametrize("command", ["render", "check"])
def test_the_namespace_flag_rejects_an_invalid_name(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([command, documents(tmp_path, FLEET), "--namespace=Not One"])
    output = capsys.readouterr()
    assert output.out == ""
    assert "'Not One' is no namespace" in output.err


def test_render_applies_the_defaults_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = tmp_path / "defaults.yaml"
    defaults.write_text(
        "image: {reference: 'mirror.example/collector@sha256:0'}\nlogLevel: debug\n"
        "pod: {priorityClassName: high}\n"
        "monitoring: {serviceMonitor: {labels: {release: prometheus}}}\n"
    )
    path = documents(tmp_path, FLEET)
    text = yaml.safe_dump_all(render(capsys, path, f"--defaults.file={defaults}"))
    for word in (
        "mirror.example/collector@sha256:0",
        "--log.level=debug",
        "priorityClassName: high",
    ):
        assert word in text
    assert "release: prometheus" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("imag: {}", "imag: unknown field; did you mean image?"),
        ("image: 3", "image: expected an object, found 3"),
        ("[", "not YAML"),
        ("a: 1\n---\nb: 2", "expected one YAML document"),
    ],
)
def test_render_reports_invalid_defaults_with_their_path(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = tmp_path / "defaults.yaml"
    defaults.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["render", documents(tmp_path, FLEET), f"--defaults.file={defaults}"])
    output = capsys.readouterr()
    assert output.out == ""
    assert f"{defaults}: " in output.err
    assert message in output.err


def test_render_prints_nothing_if_one_document_is_invalid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = documents(tmp_path, FLEET + "---\n" + binding().replace("cluster", "clutser"))
    assert main(["render", path, str(tmp_path / "absent.yaml")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert f"{path} SchedulerBinding prod: spec.clutser: unknown field" in output.err
    assert "absent.yaml: cannot be read: No such file or directory" in output.err


def test_render_rejects_a_duplicate_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", documents(tmp_path, FLEET + "---\n" + FLEET)]) == 1
    assert "already defined in" in capsys.readouterr().err


def test_render_refuses_a_document_too_large_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ",".join(f"n{number:04}" for number in range(80))
    hosts = ",".join([f'{{names: "{names}", address: "{{name}}.bmc"}}'] * 2500)
    path = documents(tmp_path, fleet(bmc=f"hosts: [{hosts}]"))
    assert main(["render", path]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "DocumentTooLarge: it comes to" in output.err


def test_render_reads_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rackwatt_operator", "render", "-"],
        input=FLEET, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("---\napiVersion: v1\nkind: ServiceAccount\n")


def test_render_stops_quietly_when_its_output_is_closed() -> None:
    command = f"{sys.executable} -m rackwatt_operator render docs/examples | head -1"
    done = subprocess.run(
        command, shell=True, cwd=Path(__file__).parents[3], capture_output=True, text=True
    )
    assert done.stdout == "---\n"
    assert done.stderr == ""


def test_crds_prints_the_files_that_are_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crds"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    folder = Path(__file__).parents[3] / "crds"
    assert printed == [
        yaml.safe_load((folder / f"{kind}.rackwatt.dev.yaml").read_text())
        for kind in ("powertargets", "schedulerbindings")
    ]


def test_render_reads_a_list_and_skips_a_secret_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bmc"}}
    items = [*yaml.safe_load_all(FLEET + "---\n" + binding()), secret]
    items[0]["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z"
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    path = documents(tmp_path, yaml.safe_dump(listed).replace("'2026", "2026").replace("Z'", "Z"))
    kinds = [(m["kind"], m["metadata"]["name"]) for m in render(capsys, path)]  # type: ignore[index]
    path = documents(tmp_path, FLEET + "---\n" + binding())
    assert kinds == [(m["kind"], m["metadata"]["name"]) for m in render(capsys, path)]  # type: ignore[index]


def test_render_names_the_item_of_a_list_in_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = list(yaml.safe_load_all(FLEET + "---\n" + binding().replace("cluster", "clutser")))
    path = documents(tmp_path, yaml.safe_dump({"kind": "List", "items": items}))
    assert main(["render", path]) == 1
    assert f"{path} SchedulerBinding prod: items[1].spec.clutser: unknown field" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("command", ["render", "check"])
def test_a_duplicate_key_is_rejected_in_a_document_without_a_namespace_too(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = FLEET.replace(", namespace: power", ", labels: {a: b, a: c}")
    assert main([command, documents(tmp_path, text)]) == 1
    assert "metadata.labels.a: key 'a' is given twice (line 3" in capsys.readouterr().err


def test_render_notes_a_folder_without_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fleet.conf").write_text(FLEET)
    assert main(["render", str(tmp_path)]) == 0
    assert "has no file that ends in .yaml, .yml, .json" in capsys.readouterr().err
