"""Combinations of values, each of which must render complete manifests."""

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
    "nodes and pods for schedulers": {"rbac": {"kubernetesScheduler": {"namespaces": ["power", "hpc"]}}},
    "no aggregation": {"rbac": {"aggregate": False}},
    "another network": {"networkPolicy": {"apiServerPorts": [16443], "from": [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]}},
    "no network policy": {"networkPolicy": {"enabled": False}},
    "loud": {"log": {"level": "debug", "format": "logfmt"}},
    "a parent's registry": {
        "global": {"imageRegistry": "mirror.example:5000/hub", "imagePullSecrets": ["mirror", {"name": "other"}]},
        "image": {"registry": "ghcr.example"}, "imagePullSecrets": [{"name": "other"}, "own"],
    },
    "a registry each": {"image": {"registry": "one.example"}, "collector": {"image": {"registry": "two.example:5000"}}},
    "more of everything": {
        "extraArgs": ["--resync.interval=5m", "--log.level=debug"],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"},
                     {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "extraVolumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
        "extraVolumeMounts": [{"name": "authorities", "mountPath": "/etc/ssl/site", "readOnly": True}],
        "commonAnnotations": {"example.org/owner": "infra"},
        "extraObjects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-site"},
             "data": {"port": "{{ .Values.port }}"}},
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include \"rackwatt.fullname\" . }}-text\n",
        ],
    },
    "security contexts": {"podSecurityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
                          "securityContext": {"runAsUser": 1001}},
    "the node's network": {
        "hostNetwork": True, "port": 18080,
        "dnsConfig": {"nameservers": ["192.0.2.53"], "searches": ["bmc.example"], "options": [{"name": "ndots", "value": "2"}]},
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["api.example"]}],
    },
    "a DNS policy": {"dnsPolicy": "Default"},
    "a monitor with limits": {"serviceMonitor": {
        "annotations": {"example.org/tier": "own"}, "honorLabels": True, "jobLabel": "app.kubernetes.io/name", "targetLabels": ["app.kubernetes.io/version"],
        "podTargetLabels": ["team"], "sampleLimit": 5000, "targetLimit": 10, "scrapeClass": "secure",
        "interval": "", "scrapeTimeout": ""}},
}  # fmt: skip
