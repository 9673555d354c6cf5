"""A collector of the time since the node has started."""

from tests.toys.toy import Insert, Toy

REQUIREMENTS = """\
        "toy": HostRequirements(
            measures="the time since the node has started",
            host_paths={"/proc": "/host/proc"},
            capabilities=("SYSLOG",),
            root=True,
            reasons={
                "host_paths": "the time is in /proc/uptime",
                "capabilities": "toys log",
                "root": "toys are owned by root",
            },
        ),
"""

READER = '''\
"""Time since the node has started: the first word of /proc/uptime (proc(5))."""

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import MetricFamily, Sample

UPTIME = MetricFamily(
    "rackwatt_node_toy_uptime_seconds",
    "gauge",
    "Time since the node has started.",
    ("node",),
    "seconds",
)
FAMILIES = (UPTIME,)


class ToyCollector:
    """The uptime of one machine."""

    def __init__(self, host: HostPaths) -> None:
        self._path = host.procfs / "uptime"

    async def read(self) -> CollectorResult:
        """Read the seconds."""
        try:
            words = self._path.read_text().split()
        except OSError as error:
            raise read_error(self._path, error) from None
        return CollectorResult((Sample(UPTIME, (), float(words[0])),))

    async def close(self) -> None:
        """Nothing is open."""
'''

METRIC = """\
    rackwatt_node_toy_uptime_seconds:
      series: 1 per node
      question: Nodes that started during the last hour
      query: rackwatt_node_toy_uptime_seconds < 3600
"""

HEAD = "| collector | metrics | what it reads | what it needs |\n|---|---|---|---|"
PARAGRAPH = (
    "| `toy` | `rackwatt_node_toy_uptime_seconds` | `uptime` below `--path.procfs` | `SYSLOG` |"
)

COLLECTOR = Toy(
    recipe="A collector inside nodes",
    modules={"exporter/rackwatt_exporter/collectors/toy.py": READER},
    rows={
        "crds/rackwatt_crds/node/requirements.py": [
            Insert(
                '            reasons={"host_paths": "processor times are in /proc/stat"},\n        ),',
                REQUIREMENTS,
            ),
        ],
        "exporter/rackwatt_exporter/collectors/registry.py": [
            Insert(
                "COLLECTORS: Mapping[str, CollectorRow] = MappingProxyType(\n    {",
                '        "toy": CollectorRow("rackwatt_exporter.collectors.toy:ToyCollector"),',
            ),
        ],
        "scripts/metrics.yaml": [Insert("      query: sum(rackwatt_node_cpus)", METRIC)],
        "docs/node.md": [Insert(HEAD, PARAGRAPH)],
    },
)
