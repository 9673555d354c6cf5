"""The families of targets, whose lines the cache renders, and of the exporter itself.

Those of every other kind are beside its reader or in its pipeline; pipelines/families.py has all.
"""

from rackwatt_exporter.metrics.family import MetricFamily

_NODE = ("node", "type", "rack")

POWER = MetricFamily(
    "rackwatt_node_power_watts",
    "gauge",
    "Power of the machine as its BMC or PDU told it at the last reading; absent when too old.",
    _NODE,
    "watts",
)
ENERGY = MetricFamily(
    "rackwatt_node_energy_joules_total",
    "counter",
    "Energy: the BMC's own counter where it has one, else watts integrated over time.",
    _NODE,
    "joules",
)
COVERED = MetricFamily(
    "rackwatt_node_energy_covered_seconds_total",
    "counter",
    "Time that the joules stand for; the rest was not seen and is not guessed.",
    _NODE,
    "seconds",
)
AVERAGE = MetricFamily(
    "rackwatt_node_power_average_watts",
    "gauge",
    "Mean power over the BMC's own window.",
    _NODE,
    "watts",
)
MINIMUM = MetricFamily(
    "rackwatt_node_power_minimum_watts",
    "gauge",
    "Least power within the BMC's own window.",
    _NODE,
    "watts",
)
MAXIMUM = MetricFamily(
    "rackwatt_node_power_maximum_watts",
    "gauge",
    "Most power within the BMC's own window.",
    _NODE,
    "watts",
)
WINDOW = MetricFamily(
    "rackwatt_node_power_window_seconds",
    "gauge",
    "Length of the BMC's own window.",
    _NODE,
    "seconds",
)
STATE = MetricFamily(
    "rackwatt_node_state",
    "gauge",
    "1 for the state the scheduler gives the node now; absent when the scheduler is not heard.",
    ("node", "scheduler", "cluster", "state"),
)
UP = MetricFamily(
    "rackwatt_target_up", "gauge", "Whether the last question was answered with watts.", ("node",)
)
AGE = MetricFamily(
    "rackwatt_target_reading_age_seconds",
    "gauge",
    "Age of the last reading, whether it is still served or not.",
    ("node",),
    "seconds",
)
DURATION = MetricFamily(
    "rackwatt_target_read_duration_seconds",
    "gauge",
    "How long the last question took, answered or not.",
    ("node",),
    "seconds",
)
READS = MetricFamily("rackwatt_target_reads_total", "counter", "Readings taken.", ("node",))
ERRORS = MetricFamily(
    "rackwatt_target_errors_total",
    "counter",
    "Questions that brought no reading, by reason (docs/troubleshooting.md).",
    ("node", "reason"),
)
MEMBERS = MetricFamily(
    "rackwatt_target_members",
    "gauge",
    "Number of supplies, feeds or sensors that the target's power is the sum of: expected, and read"
    " at the last reading; absent where the power is no sum.",
    ("node", "kind"),
)
INFO = MetricFamily(
    "rackwatt_target_info",
    "gauge",
    "What the target is and where its number comes from.",
    ("node", "powertarget", "method", "address", "type", "rack", "source"),
)
USAGE = MetricFamily(
    "node_power_usage",
    "gauge",
    "Watts, under the name and labels of power-exporter.",
    ("node", "type", "rack", "state"),
    profile="power-exporter",
)
TARGETS = MetricFamily(
    "rackwatt_targets", "gauge", "Targets that the documents name.", ("powertarget",)
)
PROBLEMS = MetricFamily(
    "rackwatt_document_problems",
    "gauge",
    "Problems found in the documents; /status and the log tell each one.",
    (),
)
RELOADED = MetricFamily(
    "rackwatt_config_last_reload_timestamp_seconds",
    "gauge",
    "When the documents were last read.",
    (),
    "seconds",
)
RELOAD_GOOD = MetricFamily(
    "rackwatt_config_last_reload_successful",
    "gauge",
    "Whether the documents had no problem when they were last read.",
    (),
)
LAG = MetricFamily(
    "rackwatt_event_loop_lag_seconds",
    "gauge",
    "How late the exporter's own clockwork was, at worst, in the last ten seconds.",
    (),
    "seconds",
)
BUILD = MetricFamily(
    "rackwatt_build_info", "gauge", "1, with the version of this exporter.", ("version", "python")
)

PROBE_SUCCESS = MetricFamily(
    "probe_success",
    "gauge",
    "The same as rackwatt_target_up of the node probed, under the name of blackbox_exporter.",
    (),
    profile="probe",
)

PER_TARGET = (
    POWER, ENERGY, COVERED, AVERAGE, MINIMUM, MAXIMUM, WINDOW, STATE, UP, AGE, DURATION, READS,
    ERRORS, MEMBERS, INFO, USAGE,
)  # fmt: skip
PER_PROCESS = (TARGETS, PROBLEMS, RELOADED, RELOAD_GOOD, LAG, BUILD)
