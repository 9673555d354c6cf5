"""The objects of accounting, beside those of a binding's collector."""

from typing import Any

from rackwatt_crds.loading import parse_document
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import AccountingDefaults, AccountingImage, Defaults
from rackwatt_operator.manifests.params import BuildFailure, Facts
from tests.operator.manifests.builders import Manifest, binding, container, of_kind, planned, pods

SLURM = "slurm: {ssh: {host: login, keySecretRef: {name: key}}}"
POSTGRESQL = "storage: {postgresql: {secretRef: {name: db}}}"


def accounted(
    accounting: str = "", defaults: Defaults | None = None, **facts: Any
) -> list[Manifest]:
    """Return the manifests of a binding with accounting."""
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "SchedulerBinding",
        "metadata": {"name": "prod", "namespace": "power", "uid": "1"},
    }
    text = binding(f"{SLURM}, accounting: {{{accounting}}}")
    if not facts:
        return planned(text, defaults or Defaults())
    spec = {"cluster": "c", "slurm": {"cli": {}}, "accounting": {}}
    document = parse_document(raw | {"spec": spec}, "").document
    assert document is not None
    made = plan(raw | {"spec": spec}, document, Facts(**facts), Defaults())
    assert not isinstance(made, BuildFailure)
    return made


def of_accounting(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return the objects of accounting by kind."""
    return {
        one["kind"]: one for one in manifests if one["metadata"]["name"] == "sb-prod-accounting"
    }


def pod_of(manifests: list[Manifest]) -> Manifest:
    """Return the pod template of accounting."""
    found: Manifest = of_accounting(manifests)["Deployment"]["spec"]["template"]
    return found


def mounted(pod: Manifest) -> set[str]:
    """Return the Secrets of a pod."""
    return {one["secret"]["secretName"] for one in pod["spec"]["volumes"] if "secret" in one}


def test_a_binding_without_accounting_has_nothing_of_it() -> None:
    for text in (binding(SLURM), binding(f"{SLURM}, accounting: {{enabled: false}}")):
        assert of_accounting(planned(text)) == {}
        assert of_kind(planned(text), "PersistentVolumeClaim") == []


def test_accounting_has_an_object_of_each_kind() -> None:
    kinds = {"Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Service", "ServiceMonitor"}
    assert of_accounting(accounted()).keys() == kinds
    assert of_accounting(accounted(POSTGRESQL)).keys() == kinds - {"PersistentVolumeClaim"}


def test_the_volume_alone_has_no_owner() -> None:
    manifests = accounted(assigns_ids=False)
    unowned = [one["kind"] for one in manifests if "ownerReferences" not in one["metadata"]]
    assert unowned == ["PersistentVolumeClaim"]


def test_no_selector_of_the_collector_finds_the_pod_of_accounting() -> None:
    manifests = accounted()
    labels = pod_of(manifests)["metadata"]["labels"].items()
    for one in manifests:
        spec = one.get("spec") or {}
        for selected in (spec.get("selector"), spec.get("podSelector")):
            if selected is not None:
                selector = selected.get("matchLabels", selected)
                ours = one["metadata"]["name"] == "sb-prod-accounting"
                assert (selector.items() <= labels) == ours, one["kind"]


def test_each_pod_mounts_its_own_secrets_alone() -> None:
    text = (
        "prometheus: {url: 'http://p:9090', credentials: {secretRef: {name: prometheus}}}, "
        "identity: {trustedHeader: {from: [10.0.0.0/8], secretRef: {name: header}}}, "
        "web: {configSecretRef: {name: web, key: web.yml}, tls: {caSecretRef: {name: ca}}}, "
        f"pod: {{imagePullSecrets: [{{name: registry}}]}}, {POSTGRESQL}"
    )
    manifests = accounted(text)
    assert mounted(pod_of(manifests)) == {"key", "prometheus", "header", "db", "web"}
    (collector,) = [pod for pod in pods(manifests) if container(pod)["name"] == "collector"]
    assert mounted(collector) == {"key"}


def test_a_pod_without_its_database_or_its_web_configuration_does_not_start() -> None:
    text = f"{POSTGRESQL}, web: {{configSecretRef: {{name: web, key: web.yml}}}}"
    volumes = pod_of(accounted(text))["spec"]["volumes"]
    required = [
        one["secret"]["secretName"]
        for one in volumes
        if not one.get("secret", {}).get("optional", True)
    ]
    assert required == ["db", "web"]


def test_the_database_is_a_file_of_the_volume_or_a_uri_in_a_file() -> None:
    sqlite = container(pod_of(accounted()))["args"]
    assert "--storage=sqlite:////var/lib/rackwatt/accounting.db" in sqlite
    postgresql = container(pod_of(accounted(POSTGRESQL)))["args"]
    assert "--storage.file=/etc/rackwatt/secrets/db/uri" in postgresql
    assert not [one for one in postgresql if one.startswith("--storage=")]


def test_a_volume_belongs_to_the_group_of_the_pod_unless_the_cluster_assigns_one() -> None:
    context = pod_of(accounted(assigns_ids=False))["spec"]["securityContext"]
    assert (context["fsGroup"], context["runAsNonRoot"]) == (65532, True)
    assert "fsGroup" not in pod_of(accounted(assigns_ids=True))["spec"]["securityContext"]
    assert "fsGroup" not in pod_of(accounted(POSTGRESQL))["spec"]["securityContext"]


def test_one_process_writes_at_a_time() -> None:
    spec = of_accounting(accounted())["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_image_and_pod_are_of_the_defaults_beneath_the_resource() -> None:
    image = AccountingImage(reference="registry.example/accounting:2", pull_policy="Always")
    defaults = Defaults(accounting=AccountingDefaults(image=image))
    made = pod_of(accounted("pod: {resources: {limits: {memory: 1Gi}}}", defaults))
    found = container(made)
    assert (found["image"], found["imagePullPolicy"]) == ("registry.example/accounting:2", "Always")
    assert found["resources"]["limits"] == {"memory": "1Gi"}
    assert found["resources"]["requests"]["memory"] == "192Mi"


def test_a_binding_with_the_name_of_another_ones_accounting_has_other_objects() -> None:
    text = binding(f"{SLURM}, accounting: {{}}") + "---\n" + binding(SLURM, "prod-accounting")
    found = [(one["kind"], one["metadata"]["name"]) for one in planned(text)]
    assert len(set(found)) == len(found)
