"""Hypothesis strategies of documents, as an API server returns them: plain data, valid for the models."""

from typing import Any

from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,60}[a-z0-9])?", fullmatch=True)
SECRETS = st.builds("secret.of.{}".format, st.integers(0, 9))
TEXTS = st.text(min_size=1, max_size=12)
SPANS = st.sampled_from(["500ms", "5s", "30s", "1m30s", "1h"])
WORDS = st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True)
LABELS = st.dictionaries(
    st.sampled_from(["team", "release", "app.kubernetes.io/name", "rackwatt.dev/shard"]), WORDS
)


def objects(
    needed: dict[str, st.SearchStrategy[Any]], **others: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object whose other keys may be there or not."""
    return st.fixed_dictionaries(needed, optional=others)


REFS = objects({"name": SECRETS})
BINDING_REFS = objects({"name": st.sampled_from(["prod", "a.b", "absent"])})
METHODS = objects(
    {},
    method=st.sampled_from(["ipmi", "ipmiSsh", "snmp", "redfish", "fake"]),
    credentials=objects({"secretRef": REFS}),
    ipmi=objects({}, port=st.integers(1, 65535)),
    ipmiSsh=objects({}, port=st.integers(1, 65535), keySecretRef=REFS, knownHostsSecretRef=REFS),
    snmp=objects({}, port=st.integers(1, 65535), oids=st.just([{"oid": "1.3.6.1", "scale": 1e-9}])),
    redfish=objects({}, port=st.integers(1, 65535), tls=objects({}, caSecretRef=REFS)),
)
PLACES = st.sampled_from(
    [
        {"names": "n[1-3]", "addresses": "10.0.0.[1-3]"},
        {"names": "m1,m2", "address": "{name}.sim.svc"},
        {"names": "k"},
        {"names": "[broken"},
    ]
)


def _entry(place: dict[str, Any], access: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    return {**place, **access, **said}


ENTRIES = st.builds(
    _entry,
    PLACES,
    METHODS,
    objects(
        {}, type=TEXTS, rack=TEXTS, schedulerRef=BINDING_REFS, interval=SPANS, maxBackoff=SPANS
    ),
)
FLEETS = st.builds(
    lambda access, hosts: {**access, **hosts},
    METHODS,
    objects({"hosts": st.lists(ENTRIES, min_size=1, max_size=3)}, shards=st.integers(1, 5)),
)
LABEL_NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,20}", fullmatch=True)
RELABELINGS = st.lists(
    objects(
        {}, sourceLabels=st.lists(LABEL_NAMES, max_size=2), action=st.sampled_from(["keep", "drop"])
    ),
    max_size=2,
)
MONITORING = objects(
    {},
    serviceMonitor=objects(
        {},
        enabled=st.booleans(),
        labels=LABELS,
        scrapeTimeout=st.just("5s"),
        relabelings=RELABELINGS,
        metricRelabelings=RELABELINGS,
        annotations=LABELS,
        honorLabels=st.booleans(),
        sampleLimit=st.integers(1, 2**53),
        targetLimit=st.integers(1, 99),
        targetLabels=st.lists(WORDS, max_size=2),
        podTargetLabels=st.lists(WORDS, max_size=2),
        scrapeClass=WORDS,
        jobLabel=st.sampled_from(["app.kubernetes.io/name", "team"]),
    ),
    rules=objects({}, enabled=st.booleans(), labels=LABELS),
    dashboards=objects({}, enabled=st.booleans(), labels=LABELS, annotations=LABELS),
)
PODS = objects(
    {},
    resources=objects({}, requests=st.just({"cpu": "1"}), limits=st.just({"memory": 2**30})),
    nodeSelector=LABELS,
    tolerations=st.lists(
        objects({"key": WORDS, "operator": st.just("Exists")}, effect=st.just("NoSchedule")),
        max_size=2,
    ),
    affinity=st.just({"podAntiAffinity": {}}),
    priorityClassName=NAMES,
    runtimeClassName=NAMES,
    imagePullSecrets=st.just([{"name": "registry.example"}]),
    securityContext=objects(
        {},
        runAsUser=st.integers(1, 2**31 - 1),
        runAsGroup=st.integers(0, 2**31 - 1),
        fsGroup=st.integers(0, 2**31 - 1),
        supplementalGroups=st.lists(st.integers(0, 9), max_size=2),
        seLinuxOptions=st.just({"level": "s0:c1,c2"}),
    ),
    hostNetwork=st.booleans(),
    dnsPolicy=st.sampled_from(["ClusterFirst", "ClusterFirstWithHostNet", "Default"]),
    dnsConfig=objects(
        {},
        nameservers=st.lists(st.sampled_from(["10.0.0.53", "fd00::53"]), max_size=3, unique=True),
        searches=st.lists(st.sampled_from(["bmc.example", "example"]), max_size=2, unique=True),
        options=st.just([{"name": "ndots", "value": "2"}, {"name": "rotate"}]),
    ),
    hostAliases=st.lists(
        st.sampled_from(
            [
                {"ip": "10.0.0.1", "hostnames": ["n1-bmc"]},
                {"ip": "fd00::1", "hostnames": ["n2-bmc", "n2-bmc.example"]},
            ]
        ),
        max_size=2,
        unique_by=lambda one: str(one["ip"]),
    ),
    labels=LABELS,
    annotations=LABELS,
)


def _one_of(kinds: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of([objects({kind: drawn}) for kind, drawn in kinds.items()])


_WAYS = _one_of(
    {
        "bmc": FLEETS,
        "node": objects(
            {"collectors": st.lists(st.sampled_from(["rapl", "cpu"]), min_size=1, unique=True)}
        ),
        "grid": objects({"zone": st.just("FR"), "static": st.just({"gramsPerKilowattHour": 56})}),
    }
)
_KEYS = objects({"name": SECRETS, "key": st.just("key")})
_COMMANDS = {
    "cli": st.just({}),
    "ssh": objects({"host": st.sampled_from(["login", "10.0.0.1"])}, keySecretRef=REFS),
}
_SCHEDULERS = _one_of(
    {
        "noop": objects({}, states=st.just([{"names": "n[1-2]", "state": "idle"}])),
        "exporter": objects(
            {"url": st.sampled_from(["http://a.svc:1", "http://[", "https://b.c"])}
        ),
        "openstack": objects(
            {
                "authURL": st.sampled_from(["https://keystone:5000/v3", "http://["]),
                "applicationCredential": objects({"secretRef": REFS}),
            },
            endpoints=st.just({"compute": "http://nova.svc"}),
        ),
        "gridengine": _one_of(_COMMANDS),
        "htcondor": _one_of(_COMMANDS),
        "lsf": _one_of(_COMMANDS),
        "flux": _one_of(_COMMANDS),
        "pbs": _one_of(_COMMANDS),
        "slurm": _one_of(
            {
                **_COMMANDS,
                "rest": objects(
                    {
                        "url": st.sampled_from(["http://slurm:6820/x", "unix:/run/rest.sock"]),
                        "tokenSecretRef": _KEYS,
                    },
                    tls=objects({}, clientSecretRef=REFS),
                ),
                "openMetrics": objects(
                    {"url": st.sampled_from(["http://slurmctld:6817", "http://["])},
                    tls=objects({}, clientSecretRef=REFS),
                ),
            }
        ),
    }
)
_PAGES = objects({"name": st.sampled_from(["web", "web.tls", "reader"])})
WEBS = objects(
    {"configSecretRef": objects({"name": st.just("web"), "key": st.just("web.yml")})},
    certificateSecretRef=_PAGES,
    tls=objects(
        {},
        caSecretRef=_PAGES,
        clientSecretRef=_PAGES,
        serverName=WORDS,
        insecureSkipVerify=st.booleans(),
    ),
    credentials=objects({"secretRef": _PAGES}),
)
_SHARED = objects({}, monitoring=MONITORING, pod=PODS, paused=st.booleans(), web=WEBS)


def _document(kind: str, name: str, uid: str | None, *parts: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "power"} | ({"uid": uid} if uid else {})
    spec = {key: value for part in parts for key, value in part.items()}
    return {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


_UIDS = st.none() | st.uuids().map(str)
TARGETS = st.builds(
    _document,
    st.just("PowerTarget"),
    NAMES,
    _UIDS,
    _WAYS,
    objects({}, schedulerRef=BINDING_REFS, interval=SPANS, maxBackoff=SPANS),
    _SHARED,
)
BINDINGS = st.builds(
    _document,
    st.just("SchedulerBinding"),
    NAMES,
    _UIDS,
    _SCHEDULERS,
    objects({"cluster": TEXTS}, interval=st.just("30s"), staleAfter=st.just("1m")),
    _SHARED,
)
DOCUMENTS = TARGETS | BINDINGS


def turned(value: Any) -> Any:
    """Return the same data with its keys in the other order."""
    if isinstance(value, dict):
        return {key: turned(item) for key, item in reversed(value.items())}
    return [turned(item) for item in value] if isinstance(value, list) else value
