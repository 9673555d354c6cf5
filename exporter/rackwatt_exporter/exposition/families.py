"""The families of targets, which exposition/fleet.py writes, and of the exporter itself.

Those of every other kind are beside its reader or in its pipeline; pipelines/families.py has all.
"""

from rackwatt_exporter.metrics.family import MetricFamily

_NODE = ("node", "type", "rack")

POWER = MetricFamily(
    "rackwatt_node_power_watts",
    "gauge",
    "Power of the machine, as its BMC or PDU reported it at the last reading; absent when too old.",
    _NODE,
    "watts",
)
ENERGY = MetricFamily(
    "rackwatt_node_energy_joules_total",
    "counter",
    "Total energy: the BMC's own counter where it has one, else power integrated over time; with "
    "part, what units, the idle node or the system used, as the exporter on the node divides it.",
    _NODE,
    "joules",
)
COVERED = MetricFamily(
    "rackwatt_node_energy_covered_seconds_total",
    "counter",
    "Total time that the energy was counted over; gaps are not estimated.",
    _NODE,
    "seconds",
)
AVERAGE = MetricFamily(
    "rackwatt_node_power_average_watts",
    "gauge",
    "Average power over the BMC's own window.",
    _NODE,
    "watts",
)
MINIMUM = MetricFamily(
    "rackwatt_node_power_minimum_watts",
    "gauge",
    "Minimum power within the BMC's own window.",
    _NODE,
    "watts",
)
MAXIMUM = MetricFamily(
    "rackwatt_node_power_maximum_watts",
    "gauge",
    "Maximum power within the BMC's own window.",
    _NODE,
    "watts",
)
WINDOW = MetricFamily(
    "rackwatt_node_power_window_seconds",
    "gauge",
    "Length of the BMC's own averaging window.",
    _NODE,
    "seconds",
)
STATE = MetricFamily(
    "rackwatt_node_state",
    "gauge",
    "1 for the node's current state in the scheduler; absent when the scheduler does not answer.",
    ("node", "scheduler", "cluster", "state"),
)
UP = MetricFamily(
    "rackwatt_target_up",
    "gauge",
    "1 if the last read returned a power value, 0 otherwise.",
    ("node",),
)
AGE = MetricFamily(
    "rackwatt_target_reading_age_seconds",
    "gauge",
    "Age of the last value, whether it is still served or already withdrawn.",
    ("node",),
    "seconds",
)
DURATION = MetricFamily(
    "rackwatt_target_read_duration_seconds",
    "gauge",
    "Duration of the last poll, successful or not.",
    ("node",),
    "seconds",
)
READS = MetricFamily(
    "rackwatt_target_reads_total", "counter", "Total number of successful readings.", ("node",)
)
ERRORS = MetricFamily(
    "rackwatt_target_errors_total",
    "counter",
    "Total number of failed readings, by reason (docs/troubleshooting.md).",
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
    "1, with the target's configuration and the source of its power value.",
    ("node", "powertarget", "method", "address", "type", "rack", "source"),
)
USAGE = MetricFamily(
    "node_power_usage",
    "gauge",
    "Power in watts, by the name and labels of power-exporter.",
    ("node", "type", "rack", "state"),
    profile="power-exporter",
)
TARGETS = MetricFamily(
    "rackwatt_targets", "gauge", "Number of targets that the documents configure.", ("powertarget",)
)
PROBLEMS = MetricFamily(
    "rackwatt_document_problems",
    "gauge",
    "Number of problems found in the documents; /status and the log list them.",
    (),
)
RELOADED = MetricFamily(
    "rackwatt_config_last_reload_timestamp_seconds",
    "gauge",
    "Unix time of the last reload of the documents.",
    (),
    "seconds",
)
RELOAD_GOOD = MetricFamily(
    "rackwatt_config_last_reload_successful",
    "gauge",
    "1 if the last reload found no problem in the documents, 0 otherwise.",
    (),
)
LAG = MetricFamily(
    "rackwatt_event_loop_lag_seconds",
    "gauge",
    "Maximum event loop lag during the last 10 seconds.",
    (),
    "seconds",
)
BUILD = MetricFamily(
    "rackwatt_build_info",
    "gauge",
    "1, with the version of the exporter and of Python.",
    ("version", "python"),
)

PROBE_SUCCESS = MetricFamily(
    "probe_success",
    "gauge",
    "1 if the last read of the probed node returned a power value, as in rackwatt_target_up.",
    (),
    profile="probe",
)

PER_TARGET = (
    POWER, ENERGY, COVERED, AVERAGE, MINIMUM, MAXIMUM, WINDOW, STATE, UP, AGE, DURATION, READS,
    ERRORS, MEMBERS, INFO, USAGE,
)  # fmt: skip
PER_PROCESS = (TARGETS, PROBLEMS, RELOADED, RELOAD_GOOD, LAG, BUILD)
