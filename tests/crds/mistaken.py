"""Valid documents, and mistakes to insert into them, each at a path of its own."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from rackwatt_crds.document import KINDS
from rackwatt_crds.schema import schema

Data = dict[str, Any]
Step = str | int
Path = tuple[Step, ...]

FLEET: Data = {
    "schedulerRef": {"name": "prod"},
    "interval": "20s",
    "maxBackoff": "2m",
    "bmc": {
        "method": "ipmi",
        "credentials": {"secretRef": {"name": "bmc"}},
        "ipmi": {"port": 623, "dcmi": False, "sensors": ["PSU1", "PSU2"]},
        "concurrency": {"perSubnet": 8},
        "hosts": [
            {"names": "n[1-3]", "addresses": "10.0.0.[1-3]", "rack": "r1"},
            {"names": "a,b", "addresses": "10.0.1.1,10.0.1.2", "retries": 1},
            {
                "names": "p1",
                "address": "p1.example",
                "method": "snmp",
                "snmp": {"oids": [{"oid": "1.3.6.1", "scale": 10.0}, {"oid": "1.3.6.2"}]},
            },
            {"names": "p[2-3]", "address": "{name}", "method": "snmp", "preset": "apc-rpdu2"},
            {
                "names": "g1",
                "address": "g1-bmc",
                "method": "redfish",
                "preset": "idrac",
                "interval": "10s",
                "staleAfter": "40s",
                "redfish": {"tls": {"caSecretRef": {"name": "ca"}}, "value": "current"},
            },
            {"names": "f[1-2]", "method": "fake", "fake": {"min": 1, "max": 2}},
        ],
    },
    "pod": {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "operator": "Equal", "value": "b"}],
        "resources": {"limits": {"cpu": "1"}},
    },
    "monitoring": {"serviceMonitor": {"interval": "30s", "labels": {"release": "x"}}},
}
BINDING: Data = {
    "cluster": "prod",
    "interval": "30s",
    "slurm": {
        "rest": {
            "url": "http://slurm:6820",
            "user": "u",
            "jwtKeySecretRef": {"name": "slurm", "key": "k"},
            "tls": {"insecureSkipVerify": False},
        }
    },
}
PINNED: Data = {
    "cluster": "lab",
    "noop": {"states": [{"names": "q[1-2]", "state": "idle"}, {"names": "q3", "state": "down"}]},
}
ELSEWHERE: Data = {
    "cluster": "k",
    "kubernetes": {"url": "https://a:6443", "tokenSecretRef": {"name": "t", "key": "k"}},
}
CLOUD: Data = {
    "cluster": "cloud",
    "openstack": {
        "authURL": "https://keystone:5000/v3",
        "password": {"secretRef": {"name": "openstack"}, "systemScope": "all"},
        "regionName": "RegionOne",
        "interface": "internal",
        "services": ["compute", "baremetal"],
        "endpoints": {"compute": "https://nova:8774/v2.1"},
        "computeDefaultMicroversion": "2.96",
    },
}
ACCOUNTED: Data = {
    "cluster": "theta",
    "slurm": {"cli": {}},
    "accounting": {
        "storage": {"sqlite": {"size": "20Gi", "storageClassName": "fast"}},
        "updateInterval": "15m",
        "timezone": "Europe/Berlin",
        "retention": {"units": "400d", "daily": "10y"},
        "prometheus": {"url": "http://prometheus:9090"},
        "admins": ["ada", "grace"],
        "identity": {
            "grafana": {"url": "https://grafana:3000"},
            "oidc": {"issuer": "https://id", "audience": "power", "userClaim": "sub"},
            "clientCertificate": {},
            "trustedHeader": {"from": ["127.0.0.0/8"], "secretRef": {"name": "header"}},
        },
        "tariffs": [
            {"name": "site", "currency": "EUR", "from": "2025-01-01", "to": "2026-01-01", "perCoreHour": 0.1},
            {"name": "site", "currency": "EUR", "from": "2026-01-01", "perKilowattHour": 0.25},
        ],
        "carbon": [{"name": "grid", "zone": "FR", "source": "RTE", "from": "2025-01-01"}],
        "budgets": [
            {"account": "physics", "month": {"money": 100, "tariff": "site"}, "mailTo": ["a@b"]},
            {"user": "ada", "month": {"grams": 1000}},
        ],
        "notify": {
            "webhook": {"url": "https://hooks:8443/a"},
            "mail": {"host": "mail", "from": "r@b", "to": ["c@d"]},
        },
        "privacy": {"members": "all"},
    },
}  # fmt: skip
NODES: Data = {"node": {"collectors": ["cpu", "rapl"]}, "timeout": "5s"}
GRID: Data = {"grid": {"zone": "FR", "static": {"gramsPerKilowattHour": 56}}}
SPECS = (
    ("PowerTarget", FLEET),
    ("SchedulerBinding", BINDING),
    ("SchedulerBinding", PINNED),
    ("SchedulerBinding", ELSEWHERE),
    ("SchedulerBinding", CLOUD),
    ("SchedulerBinding", ACCOUNTED),
    ("PowerTarget", NODES),
    ("PowerTarget", GRID),
)

# What a model accepts and what it means is wrong: where, what to put there, the path of the problem.
MEANT: tuple[tuple[Path, Any, str], ...] = (
    (("bmc", "hosts", 0, "names"), "n[1-", "bmc.hosts[0].names"),
    (("bmc", "hosts", 0, "addresses"), "10.0.0.[1-2]", "bmc.hosts[0].addresses"),
    (("bmc", "hosts", 1, "addresses"), "10.0.1.1,a b", "bmc.hosts[1].addresses"),
    (("bmc", "hosts", 2, "address"), "http://p1", "bmc.hosts[2].address"),
    (("bmc", "hosts", 3, "preset"), "zzq", "bmc.hosts[3].preset"),
    (("bmc", "hosts", 3, "names"), "p[2-3],b", "bmc.hosts[3].names"),
    (("bmc", "hosts", 4, "preset"), "zzq", "bmc.hosts[4].preset"),
    (("bmc", "hosts", 0, "staleAfter"), "1s", "bmc.hosts[0].staleAfter"),
    (("bmc", "hosts", 5, "fake"), {"min": 2, "max": 1}, "bmc.hosts[5].fake.max"),
    (("pod", "tolerations", 0, "operator"), "Exists", "pod.tolerations[0].value"),
    (("noop", "states", 1, "names"), "q[", "noop.states[1].names"),
    (("slurm", "rest", "url"), "http://a:0", "slurm.rest.url"),
    (("kubernetes", "url"), "https://a:0", "kubernetes.url"),
    (("openstack", "authURL"), "http://a:0", "openstack.authURL"),
    (("openstack", "endpoints", "compute"), "http://a:0", "openstack.endpoints.compute"),
    (("accounting", "timezone"), "Europe/Berlim", "accounting.timezone"),
    (("accounting", "prometheus", "url"), "http://a:0", "accounting.prometheus.url"),
    (("accounting", "identity", "oidc", "issuer"), "http://a:0", "accounting.identity.oidc.issuer"),
    (("accounting", "identity", "trustedHeader", "from", 0), "10.0.0.1/8", "accounting.identity.trustedHeader.from[0]"),
    (("accounting", "notify", "webhook", "url"), "http://a:0", "accounting.notify.webhook.url"),
    (("accounting", "notify", "mail", "host"), "a..b", "accounting.notify.mail.host"),
    (("accounting", "tariffs", 1, "from"), "2026-02-30", "accounting.tariffs[1].from"),
    (("accounting", "budgets", 0, "month", "tariff"), "none", "accounting.budgets[0].month.tariff"),
    (("accounting", "budgets", 1), {"account": "physics", "month": {"coreHours": 1}}, "accounting.budgets[1]"),
)  # fmt: skip
# Fields of one object that are judged together: of these, one mistake at a time.
TOGETHER = (
    {"names", "addresses", "address"},
    {"interval", "staleAfter"},
    {"min", "max", "fake"},
    {"key", "operator", "value"},
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Data, list[str]]:
    """Draw a document with mistakes, and the path of each of them."""
    kind, right = draw(st.sampled_from(SPECS))
    spec = copy.deepcopy(right)
    drawn = draw(st.lists(st.sampled_from(list(_mistakes(kind, right))), min_size=1, max_size=6))
    paths: dict[Path, str] = {}
    for place, value, path in drawn:
        if not any(_entangled(place, other) for other in paths):
            _put(spec, place, value)
            paths[place] = path
    name = "prod" if kind == "SchedulerBinding" else "lab"
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    return raw, sorted(f"spec.{path}" for path in paths.values())


def _mistakes(kind: str, spec: Data) -> Iterator[tuple[Path, Any, str]]:
    for place, value, inner in _places((), spec, _schema(kind)):
        if "properties" in inner:
            yield (*place, "zzq"), 1, _written((*place, "zzq"))
        if not isinstance(value, (dict, list)):
            yield place, {}, _written(place)
        for name in inner.get("required", ()) if "properties" in inner else ():
            yield (*place, name), None, _written((*place, name))
    for place, value, path in MEANT:
        if _is_there(spec, place[:-1]):
            yield place, value, path


def _schema(kind: str) -> Any:
    return schema(KINDS[kind])["properties"]["spec"]


def _places(place: Path, value: Any, inner: Any) -> Iterator[tuple[Path, Any, Any]]:
    yield place, value, inner
    if isinstance(value, dict):
        for key, one in value.items():
            known = inner.get("properties", {}).get(key) or inner.get("additionalProperties", {})
            yield from _places((*place, key), one, known)
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _places((*place, index), one, inner["items"])


def _entangled(one: Path, other: Path) -> bool:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return True
    near = one[:-1] == other[:-1]
    return near and any({one[-1], other[-1]} <= together for together in TOGETHER)


def _is_there(spec: Any, place: Path) -> bool:
    try:
        for step in place:
            spec = spec[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _put(spec: Any, place: Path, value: Any) -> None:
    for step in place[:-1]:
        spec = spec[step]
    spec[place[-1]] = value


def _written(place: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")
