"""Documents that violate each rule between fields, and the message of each."""

from dataclasses import dataclass
from typing import Any

from rackwatt_crds.kinds import SCHEDULERS

Spec = dict[str, Any]

URL = "http://slurm:6820"
TOKEN = {"name": "slurm", "key": "token"}


@dataclass(frozen=True)
class Broken:
    """A spec that violates one rule; `before` is a spec that must not be changed to it."""

    kind: str
    path: str
    text: str
    spec: Spec
    before: Spec | None = None


def fleet(*hosts: Spec, **more: Any) -> Spec:
    """Return a fleet of BMCs."""
    return {"bmc": {"method": "fake", "hosts": list(hosts)}, **more}


def binding(**more: Any) -> Spec:
    """Return a binding, without a scheduler unless one is given."""
    return {"cluster": "prod", **more}


def rest(**more: Any) -> Spec:
    """Return a binding of slurmrestd with a token; None removes a field."""
    whole = {"url": URL, "tokenSecretRef": TOKEN, **more}
    return binding(slurm={"rest": {key: one for key, one in whole.items() if one is not None}})


def cluster(**more: Any) -> Spec:
    """Write a binding of Kubernetes."""
    return binding(kubernetes=more)


def cloud(**more: Any) -> Spec:
    """Write a binding to a cloud, without a log-in unless one is given."""
    return binding(openstack={"authURL": "https://keystone:5000/v3", **more})


def tolerating(**toleration: Any) -> Spec:
    """Return a spec whose pods have a toleration."""
    return {"pod": {"tolerations": [toleration]}}


def target(path: str, text: str, spec: Spec, before: Spec | None = None) -> Broken:
    """Return a violated rule of a PowerTarget."""
    return Broken("PowerTarget", path, text, spec, before)


def counted(**more: Any) -> Spec:
    """Return a SchedulerBinding to the metrics of slurmctld."""
    return binding(slurm={"openMetrics": {**COUNTED["openMetrics"], **more}})


def bound(path: str, text: str, spec: Spec, before: Spec | None = None) -> Broken:
    """Return a violated rule of a SchedulerBinding."""
    return Broken("SchedulerBinding", path, text, spec, before)


NODE: Spec = {"node": {"collectors": ["cpu"]}}
HOST, ENTRY = {"names": "a"}, "spec.bmc.hosts[0]"
SHORTER = "staleAfter must not be shorter than interval"
INTERVAL, TIMEOUT = "interval must be at least 100ms", "timeout must be at least 1ms"
ONE_KIND = "exactly one of bmc, node, grid must be given"
NOT_REPLACED = "bmc, node and grid cannot replace one another: create another PowerTarget"
ONE_SCHEDULER = f"exactly one of {', '.join(SCHEDULERS)} must be given"
ONE_LOGIN = "exactly one of password, applicationCredential must be given"
ONE_SCOPE = "exactly one of projectName, systemScope must be given"
LOGIN: Spec = {"secretRef": {"name": "openstack"}}
IN_SYSTEM: Spec = {**LOGIN, "systemScope": "all"}
ANOTHER_PAGE = "path must not be that of another page of the exporter"
LUSTRE: Spec = {"prometheusURL": "http://prometheus.example:9090"}
WHERE_JOBS_ARE = "the other exporter has the jobs: lustre belongs into the binding that it polls"
USAGE_BY_REST = "metrics.limitUsage needs slurm.cli or slurm.ssh: slurmrestd does not report it"
CLI_OR_SSH = "exactly one of cli, ssh must be given"
ONE_WAY = "exactly one of cli, ssh, rest, openMetrics must be given"
COUNTED: Spec = {"openMetrics": {"url": "http://slurmctld.example:6817"}}
COUNT = "spec.slurm.openMetrics"
NO_CLUSTER = "slurmctld's metrics do not name the cluster to compare with"
NOT_COUNTED = (
    "slurm.openMetrics has neither licences, limits, fair shares nor reservations, and no list of "
    "jobs, which perJob, tracing and lustre need"
)
ONE_TOKEN = "at most one of jwtKeySecretRef, tokenSecretRef may be given"
SOME_TOKEN = (
    "jwtKeySecretRef or tokenSecretRef must be given, unless url is a Unix socket or headers "
    "authenticate"
)
API, KUBERNETES = "https://api.hpc.example:6443", "spec.kubernetes"
NO_URL = "tokenSecretRef needs url: a collector has a token of its own for its cluster"
NO_URL_FOR_TLS = "tls needs url: a collector knows the authority of its cluster"
NOTHING_AUTHENTICATES = (
    "url needs tokenSecretRef or tls.clientSecretRef: an API server answers no other"
)
OUR_CLAIMS = "claims must have none of exp, iat, nbf, sun: every token has its own"
OUR_HEADERS = (
    "name must be none of connection, content-length, host, te, trailer, transfer-encoding, "
    "upgrade, x-slurm-user-name, x-slurm-user-token: another field, or the protocol, sets it"
)
TWO_WAYS = "at most one of addresses and address may be given"
AS_MANY = "names and addresses must have the same length"
LESS = "max must not be less than min"
SCRAPE = "interval must not be shorter than scrapeTimeout"
NO_KEY = "key must be given unless operator is Exists"
NO_VALUE = "value must not be given where operator is Exists"
NO_SECONDS = "tolerationSeconds must not be given unless effect is NoExecute"
TOLERATION = "spec.pod.tolerations[0]"
NO_SERVERS = "dnsConfig.nameservers must be given where dnsPolicy is None"
WATCHED = {"serviceMonitor": {"interval": "10s", "scrapeTimeout": "11s"}}

ACCOUNTING = "spec.accounting"
SIZE = "size must not shrink: Kubernetes only expands volumes"
STORAGE_CLASS = "storageClassName is immutable: a volume keeps the StorageClass that made it"
SUMS_LAST = "daily must not be shorter than units"
UPDATES = "updateInterval must be at least 10s"
NO_READER = (
    "accounting reads jobs that have ended: it has no reader for lsf, flux, noop, exporter or "
    "slurm.openMetrics"
)
LATER = "to must be later than from"
NO_ZONE = "kind market needs gramsPerKilowattHour: a zone has the intensity of a location"
TARIFF: Spec = {"name": "site", "from": "2026-01-01", "currency": "EUR", "perCoreHour": 0.01}
FACTOR: Spec = {
    "name": "grid", "from": "2026-01-01", "gramsPerKilowattHour": 380, "source": "EEA",
}  # fmt: skip
SOME_PRICE = (
    "at least one of perKilowattHour, perCoreHour, perGpuHour, perBillingUnitHour must be given"
)
NOT_OURS = (
    "name must be none of authorization, connection, content-length, cookie, host, "
    "transfer-encoding, x-dashboard-user, x-grafana-id, x-rackwatt-act-as, x-rackwatt-token: "
    "another way, or the protocol, reads it"
)
SOME_AMOUNT = "at least one of kilowattHours, coreHours, gpuHours, grams, money must be given"
HOURS: Spec = {"month": {"coreHours": 1000}}


def accounted(**more: Any) -> Spec:
    """Return a binding of Slurm with accounting."""
    return binding(slurm={"cli": {}}, accounting=more)


def on_disk(**more: Any) -> Spec:
    """Return a binding with accounting in a volume."""
    return accounted(storage={"sqlite": more})


BROKEN = (
    target("spec", ONE_KIND, {}),
    target("spec", ONE_KIND, fleet(HOST, **NODE)),
    target("spec", NOT_REPLACED, NODE, before=fleet(HOST)),
    target("spec", NOT_REPLACED, {"grid": {"zone": "FR", "static": {"gramsPerKilowattHour": 56}}}, before=NODE),
    target("spec.interval", INTERVAL, {**NODE, "interval": "99ms"}),
    target("spec.timeout", TIMEOUT, {**NODE, "timeout": "0s"}),
    target("spec.staleAfter", SHORTER, {**NODE, "interval": "1m", "staleAfter": "59s999ms"}),
    target("spec.grid", "exactly one of static must be given", {"grid": {"zone": "FR"}}),
    target("spec.bmc.fake.max", LESS, {"bmc": {"hosts": [HOST], "fake": {"min": 100.5, "max": 100}}}),
    target(ENTRY, TWO_WAYS, fleet({**HOST, "address": "b", "addresses": "c"})),
    target(ENTRY, AS_MANY, fleet({"names": "a,b", "addresses": "10.0.0.1"})),
    target(f"{ENTRY}.interval", INTERVAL, fleet({**HOST, "interval": "0s"})),
    target(f"{ENTRY}.timeout", TIMEOUT, fleet({**HOST, "timeout": "0ms"})),
    target(f"{ENTRY}.staleAfter", SHORTER, fleet({**HOST, "interval": "10s", "staleAfter": "1s"})),
    target(f"{ENTRY}.fake.max", LESS, fleet({**HOST, "fake": {"min": 2, "max": 1}})),
    target("spec.monitoring.serviceMonitor.interval", SCRAPE, {**NODE, "monitoring": WATCHED}),
    target(f"{TOLERATION}.key", NO_KEY, {**NODE, **tolerating()}),
    target(f"{TOLERATION}.value", NO_VALUE, {**NODE, **tolerating(key="a", operator="Exists", value="b")}),
    target(f"{TOLERATION}.tolerationSeconds", NO_SECONDS, {**NODE, **tolerating(key="a", tolerationSeconds=60)}),
    target("spec.pod.dnsConfig", NO_SERVERS, {**NODE, "pod": {"dnsPolicy": "None"}}),
    target("spec.pod.dnsConfig", NO_SERVERS, {**NODE, "pod": {"dnsPolicy": "None", "dnsConfig": {}}}),
    target("spec.node.ipmi.command", "mode native runs no command", {"node": {"ipmi": {"mode": "native", "command": ["a"]}}}),
    target("spec.node.redfish.timeout", TIMEOUT, {"node": {"redfish": {"timeout": "0s"}}}),
    bound("spec", ONE_SCHEDULER, binding()),
    bound("spec", ONE_SCHEDULER, binding(noop={}, slurm={"cli": {}})),
    bound(f"{KUBERNETES}.tokenSecretRef", NO_URL, cluster(tokenSecretRef=TOKEN)),
    bound(f"{KUBERNETES}.tls", NO_URL_FOR_TLS, cluster(tls={"serverName": "a"})),
    bound(f"{KUBERNETES}.url", NOTHING_AUTHENTICATES, cluster(url=API)),
    bound("spec.interval", INTERVAL, binding(noop={}, interval="0s")),
    bound("spec.timeout", TIMEOUT, binding(noop={}, timeout="0s")),
    bound("spec.staleAfter", SHORTER, binding(noop={}, staleAfter="29s")),
    bound(
        "spec.cluster",
        "cluster is immutable: create another SchedulerBinding",
        {"cluster": "test", "noop": {}},
        before=binding(noop={}),
    ),
    bound("spec.tracing.path", ANOTHER_PAGE, binding(noop={}, tracing={"path": "/metrics"})),
    bound("spec.tracing.path", ANOTHER_PAGE, binding(noop={}, tracing={"path": "/"})),
    bound("spec.tracing.path", ANOTHER_PAGE, binding(noop={}, tracing={"path": "/schedulers/x"})),
    bound("spec.tracing.staleAfter", "staleAfter must be at least 1s", binding(noop={}, tracing={"staleAfter": "999ms"})),
    bound(
        "spec.metrics.limitUsage", USAGE_BY_REST,
        binding(
            slurm={"rest": {"url": "unix:/run/slurmrestd.sock"}}, metrics={"limitUsage": True}
        ),
    ),
    bound("spec.slurm", NO_CLUSTER, binding(slurm={**COUNTED, "cluster": "alpha"})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, metrics={"licenses": True})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, metrics={"limits": True})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, metrics={"limitUsage": True})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, metrics={"fairshare": True})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, metrics={"reservations": True})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, metrics={"perJob": {"enabled": True}})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, tracing={"enabled": True})),
    bound("spec.slurm.openMetrics", NOT_COUNTED, binding(slurm=COUNTED, lustre=LUSTRE)),
    bound("spec", WHERE_JOBS_ARE, binding(exporter={"url": URL}, lustre=LUSTRE)),
    bound("spec.lustre.range", "range must be at least 1s", binding(noop={}, lustre={**LUSTRE, "range": "999ms"})),
    bound(ACCOUNTING, NO_READER, binding(noop={}, accounting={})),
    bound(ACCOUNTING, NO_READER, binding(exporter={"url": URL}, accounting={"enabled": True})),
    bound(ACCOUNTING, NO_READER, binding(slurm=COUNTED, accounting={})),
    bound(ACCOUNTING, NO_READER, binding(lsf={"cli": {}}, accounting={})),
    bound(ACCOUNTING, NO_READER, binding(flux={"cli": {}}, accounting={})),
    bound(f"{ACCOUNTING}.updateInterval", UPDATES, accounted(updateInterval="9s")),
    bound(f"{ACCOUNTING}.storage", "exactly one of sqlite, postgresql must be given", accounted(storage={})),
    bound(
        f"{ACCOUNTING}.storage",
        "exactly one of sqlite, postgresql must be given",
        accounted(storage={"sqlite": {}, "postgresql": {"secretRef": {"name": "db"}}}),
    ),
    bound(f"{ACCOUNTING}.storage.sqlite.size", SIZE, on_disk(size="1023Mi"), before=on_disk(size="1Gi")),
    bound(
        f"{ACCOUNTING}.storage.sqlite.storageClassName",
        STORAGE_CLASS,
        on_disk(size="1Gi"),
        before=on_disk(size="1Gi", storageClassName="fast"),
    ),
    bound(
        f"{ACCOUNTING}.storage.sqlite.storageClassName",
        STORAGE_CLASS,
        on_disk(storageClassName="slow"),
        before=on_disk(storageClassName="fast"),
    ),
    bound(f"{ACCOUNTING}.retention.daily", SUMS_LAST, accounted(retention={"units": "1y", "daily": "52w"})),
    bound(f"{ACCOUNTING}.retention.daily", SUMS_LAST, accounted(retention={"daily": "364d"})),
    bound(f"{ACCOUNTING}.retention.daily", SUMS_LAST, accounted(retention={"units": "11y"})),
    bound(f"{ACCOUNTING}.tariffs[0].to", LATER, accounted(tariffs=[{**TARIFF, "to": "2026-01-01"}])),
    bound(
        f"{ACCOUNTING}.tariffs[0]",
        SOME_PRICE,
        accounted(tariffs=[{"name": "site", "from": "2026-01-01", "currency": "EUR"}]),
    ),
    bound(
        f"{ACCOUNTING}.tariffs",
        "tariffs of one name must not be valid on the same day",
        accounted(tariffs=[{**TARIFF, "to": "2027-01-02"}, {**TARIFF, "from": "2027-01-01"}]),
    ),
    bound(
        f"{ACCOUNTING}.tariffs",
        "tariffs of one name must not be valid on the same day",
        accounted(tariffs=[{**TARIFF, "from": "2027-01-01"}, TARIFF]),
    ),
    bound(f"{ACCOUNTING}.carbon[0].to", LATER, accounted(carbon=[{**FACTOR, "to": "2025-12-31"}])),
    bound(
        f"{ACCOUNTING}.carbon[0]",
        "exactly one of zone, gramsPerKilowattHour must be given",
        accounted(carbon=[{**FACTOR, "zone": "FR"}]),
    ),
    bound(
        f"{ACCOUNTING}.carbon[0].kind",
        NO_ZONE,
        accounted(
            carbon=[
                {"name": "a", "from": "2026-01-01", "source": "s", "zone": "FR", "kind": "market"}
            ]
        ),
    ),
    bound(
        f"{ACCOUNTING}.carbon",
        "carbon of one name must not be valid on the same day",
        accounted(carbon=[FACTOR, FACTOR]),
    ),
    bound(
        f"{ACCOUNTING}.budgets[0]",
        "exactly one of account, user must be given",
        accounted(budgets=[{**HOURS, "account": "a", "user": "b"}]),
    ),
    bound(
        f"{ACCOUNTING}.budgets[0].month",
        SOME_AMOUNT,
        accounted(budgets=[{"account": "a", "month": {}}]),
    ),
    bound(
        f"{ACCOUNTING}.budgets[0].month.carbon",
        "carbon needs grams: it says how they are counted",
        accounted(budgets=[{"account": "a", "month": {"coreHours": 1, "carbon": "grid"}}]),
    ),
    bound(
        f"{ACCOUNTING}.budgets[0].month.tariff",
        "tariff needs money: it says how it is counted",
        accounted(budgets=[{"account": "a", "month": {"coreHours": 1, "tariff": "site"}}]),
    ),
    bound(
        f"{ACCOUNTING}.identity",
        "at least one of grafana, oidc, clientCertificate, trustedHeader must be given",
        accounted(identity={}),
    ),
    bound(
        f"{ACCOUNTING}.identity.trustedHeader.name",
        NOT_OURS,
        accounted(identity={"trustedHeader": {"name": "X-Grafana-Id", "from": ["127.0.0.0/8"]}}),
    ),
    bound(f"{ACCOUNTING}.notify", "at least one of webhook, mail must be given", accounted(notify={})),
    bound(
        f"{ACCOUNTING}.notify.webhook",
        "exactly one of url, urlSecretRef must be given",
        accounted(notify={"webhook": {}}),
    ),
    bound(f"{ACCOUNTING}.pod.tolerations[0].key", NO_KEY, accounted(**tolerating(key="", effect="NoSchedule"))),
    bound(
        f"{ACCOUNTING}.pod.tolerations[0].value",
        NO_VALUE,
        accounted(**tolerating(operator="Exists", value="b")),
    ),
    bound(
        f"{ACCOUNTING}.pod.tolerations[0].tolerationSeconds",
        NO_SECONDS,
        accounted(**tolerating(key="a", tolerationSeconds=60)),
    ),
    bound(f"{ACCOUNTING}.pod.dnsConfig", NO_SERVERS, accounted(pod={"dnsPolicy": "None"})),
    bound("spec.slurm", ONE_WAY, binding(slurm={})),
    bound("spec.slurm", ONE_WAY, binding(slurm={"cli": {}, "ssh": {"host": "login"}})),
    bound("spec.gridengine", CLI_OR_SSH, binding(gridengine={"cli": {}, "ssh": {"host": "a"}})),
    bound("spec.lsf", CLI_OR_SSH, binding(lsf={"cli": {}, "ssh": {"host": "login"}})),
    bound("spec.flux", CLI_OR_SSH, binding(flux={})),
    bound("spec.htcondor", CLI_OR_SSH, binding(htcondor={"cli": {}, "ssh": {"host": "login"}})),
    bound("spec.pbs", CLI_OR_SSH, binding(pbs={})),
    bound("spec.slurm.rest", SOME_TOKEN, rest(tokenSecretRef=None)),
    bound("spec.slurm.rest", ONE_TOKEN, rest(user="u", jwtKeySecretRef=TOKEN)),
    bound(
        "spec.slurm.rest.claims",
        "claims needs jwtKeySecretRef: they are claims of a token made from it",
        rest(claims={"iss": "a"}),
    ),
    bound(
        "spec.slurm.rest.claims",
        OUR_CLAIMS,
        rest(
            tokenSecretRef=None,
            user="u",
            jwtKeySecretRef=TOKEN,
            claims={"iss": "a", "sun": "root"},
        ),
    ),
    bound(
        "spec.slurm.rest.headers[0].name",
        OUR_HEADERS,
        rest(headers=[{"name": "X-Slurm-User-Token", "value": "a"}]),
    ),
    bound(
        "spec.slurm.rest.headers[0]",
        "exactly one of value, valueSecretRef must be given",
        rest(headers=[{"name": "X-Scope"}]),
    ),
    bound(
        "spec.slurm.rest.jwtKeySecretRef",
        "jwtKeySecretRef needs user: a token names its user",
        binding(slurm={"rest": {"url": URL, "jwtKeySecretRef": TOKEN}}),
    ),
    bound(COUNT, ONE_TOKEN, counted(user="u", jwtKeySecretRef=TOKEN, tokenSecretRef=TOKEN)),
    bound(
        f"{COUNT}.jwtKeySecretRef",
        "jwtKeySecretRef needs user: a token names its user",
        counted(jwtKeySecretRef=TOKEN),
    ),
    bound(
        f"{COUNT}.claims",
        "claims needs jwtKeySecretRef: they are claims of a token made from it",
        counted(claims={"iss": "a"}),
    ),
    bound(
        f"{COUNT}.claims", OUR_CLAIMS, counted(user="u", jwtKeySecretRef=TOKEN, claims={"exp": "1"})
    ),
    bound(
        f"{COUNT}.headers[0].name",
        OUR_HEADERS,
        counted(headers=[{"name": "Host", "value": "a"}]),
    ),
    bound(
        f"{COUNT}.headers[0]",
        "exactly one of value, valueSecretRef must be given",
        counted(headers=[{"name": "X-Scope"}]),
    ),
    bound("spec.openstack", ONE_LOGIN, cloud()),
    bound(
        "spec.openstack", ONE_LOGIN, cloud(password=IN_SYSTEM, applicationCredential=LOGIN)
    ),
    bound("spec.openstack.password", ONE_SCOPE, cloud(password=LOGIN)),
    bound(
        "spec.openstack.password", ONE_SCOPE, cloud(password={**IN_SYSTEM, "projectName": "admin"})
    ),
    bound(
        "spec.openstack.password.projectDomainName",
        "projectDomainName needs projectName: it is the domain of that project",
        cloud(password={**IN_SYSTEM, "projectDomainName": "Default"}),
    ),
    bound("spec.monitoring.serviceMonitor.interval", SCRAPE, binding(noop={}, monitoring=WATCHED)),
    bound(
        "spec.pod.dnsConfig",
        NO_SERVERS,
        binding(noop={}, pod={"dnsPolicy": "None", "dnsConfig": {"nameservers": []}}),
    ),
    bound(f"{TOLERATION}.key", NO_KEY, binding(noop={}, **tolerating(key="", effect="NoSchedule"))),
    bound(f"{TOLERATION}.value", NO_VALUE, binding(noop={}, **tolerating(operator="Exists", value="b"))),
    bound(
        f"{TOLERATION}.tolerationSeconds",
        NO_SECONDS,
        binding(noop={}, **tolerating(key="a", effect="NoSchedule", tolerationSeconds=0)),
    ),
)  # fmt: skip
