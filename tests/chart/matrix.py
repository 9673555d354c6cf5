"""Values that people set, beside one another: each must render something whole."""

from typing import Any

_REGISTRY = "registry.example:5000/mirror"
_DIGEST = "sha256:" + "ab" * 32
_LARGE = {"resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": {"memory": "1Gi"}}}

MATRIX: dict[str, dict[str, Any]] = {
    "nothing": {},
    "some namespaces": {"watchNamespaces": ["power", "hpc"]},
    "two replicas": {"replicas": 2, "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
         "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "rackwatt-operator"}}},
    ]},
    "a mirror": {
        "image": {"repository": f"{_REGISTRY}/operator", "tag": "2.0.0-rc.1", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "mirror"}],
        "collector": {"image": {"repository": f"{_REGISTRY}/collector", "digest": _DIGEST}},
    },
    "pull secrets of their own": {
        "imagePullSecrets": [{"name": "mirror"}],
        "collector": {"pod": {"imagePullSecrets": [{"name": "theirs"}]}},
    },
    "monitoring": {
        "monitoring": {"labels": {"release": "kube-prometheus-stack"}},
        "serviceMonitor": {"labels": {"team": "infra"}, "interval": "1m", "scrapeTimeout": "20s",
                           "relabelings": [{"targetLabel": "site", "replacement": "north"}],
                           "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "python_.*", "action": "drop"}]},
        "collector": {"monitoring": {
            "serviceMonitor": {"interval": "15s", "labels": {"release": "other", "tier": "bmc"}},
            "rules": {"enabled": False},
            "dashboards": {"annotations": {"grafana_folder": "Power"}},
        }},
    },
    "no monitoring": {
        "serviceMonitor": {"enabled": False},
        "collector": {"monitoring": {"serviceMonitor": {"enabled": False}, "rules": {"enabled": False},
                                     "dashboards": {"enabled": False}}},
    },
    "monitoring whatever the cluster says": {"serviceMonitor": {"enabled": True}},
    "pods": {
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}]}},
        "podLabels": {"app.kubernetes.io/name": "not-to-be-changed", "team": "infra"},
        "podAnnotations": {"example.org/why": "because"},
        "terminationGracePeriodSeconds": 5,
        "collector": {"logLevel": "debug", "pod": {**_LARGE, "priorityClassName": "power", "labels": {"team": "infra"}},
                      "nodePod": {"nodeSelector": {"hpc": "yes"}, "tolerations": [], "annotations": {"a": "b"}}},
    },
    "names": {"nameOverride": "watts", "commonLabels": {"team": "infra", "app.kubernetes.io/name": "not-to-be-changed"}},
    "a long name": {"fullnameOverride": "a-name-of-two-and-fifty-characters-is-the-longest-ok"},
    "a service account that is there": {"serviceAccount": {"create": False, "name": "existing"}, "rbac": {"create": False}},
    "an annotated service account": {"serviceAccount": {"annotations": {"example.org/role": "reader"}}},
    "no aggregation": {"rbac": {"aggregate": False}},
    "another network": {"networkPolicy": {"apiServerPorts": [16443], "from": [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]}},
    "no network policy": {"networkPolicy": {"enabled": False}},
    "loud": {"log": {"level": "debug", "format": "logfmt"}},
}  # fmt: skip
