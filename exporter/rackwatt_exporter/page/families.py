"""Every family on the page, declared once: name, type, unit, labels and help.

The renderer takes its headers from here and docs/metrics.md is generated from here. Families of
the machine itself and of the grid stand in inside.py, for want of room.
"""

from rackwatt_exporter.page.family import Family
from rackwatt_exporter.page.inside import PER_FEED, PER_MACHINE

_NODE = ("node", "type", "rack")

POWER = Family(
    "rackwatt_node_power_watts",
    "gauge",
    "Power of the machine as its BMC or PDU told it at the last reading; absent when too old.",
    _NODE,
    "watts",
)
ENERGY = Family(
    "rackwatt_node_energy_joules_total",
    "counter",
    "Energy: the BMC's own counter where it has one, else watts integrated over time.",
    _NODE,
    "joules",
)
COVERED = Family(
    "rackwatt_node_energy_covered_seconds_total",
    "counter",
    "Time that the joules stand for; the rest was not seen and is not guessed.",
    _NODE,
    "seconds",
)
AVERAGE = Family(
    "rackwatt_node_power_average_watts",
    "gauge",
    "Mean power over the BMC's own window.",
    _NODE,
    "watts",
)
MINIMUM = Family(
    "rackwatt_node_power_minimum_watts",
    "gauge",
    "Least power within the BMC's own window.",
    _NODE,
    "watts",
)
MAXIMUM = Family(
    "rackwatt_node_power_maximum_watts",
    "gauge",
    "Most power within the BMC's own window.",
    _NODE,
    "watts",
)
WINDOW = Family(
    "rackwatt_node_power_window_seconds",
    "gauge",
    "Length of the BMC's own window.",
    _NODE,
    "seconds",
)
STATE = Family(
    "rackwatt_node_state",
    "gauge",
    "1 for the state the scheduler gives the node now; absent when the scheduler is not heard.",
    ("node", "scheduler", "cluster", "state"),
)
UP = Family(
    "rackwatt_target_up", "gauge", "Whether the last question was answered with watts.", ("node",)
)
AGE = Family(
    "rackwatt_target_reading_age_seconds",
    "gauge",
    "Age of the last reading, whether it is still served or not.",
    ("node",),
    "seconds",
)
DURATION = Family(
    "rackwatt_target_read_duration_seconds",
    "gauge",
    "How long the last question took, answered or not.",
    ("node",),
    "seconds",
)
READS = Family("rackwatt_target_reads_total", "counter", "Readings taken.", ("node",))
ERRORS = Family(
    "rackwatt_target_errors_total",
    "counter",
    "Questions that brought no reading, by reason (docs/troubleshooting.md).",
    ("node", "reason"),
)
MEMBERS = Family(
    "rackwatt_target_members",
    "gauge",
    "Number of supplies, feeds or sensors that the target's power is the sum of: expected, and read"
    " at the last reading; absent where the power is no sum.",
    ("node", "kind"),
)
INFO = Family(
    "rackwatt_target_info",
    "gauge",
    "What the target is and where its number comes from.",
    ("node", "powertarget", "method", "address", "type", "rack", "source"),
)
USAGE = Family(
    "node_power_usage",
    "gauge",
    "Watts, under the name and labels of power-exporter.",
    ("node", "type", "rack", "state"),
    profile="power-exporter",
)
SCHEDULER_UP = Family(
    "rackwatt_scheduler_up",
    "gauge",
    "Whether the scheduler answered the last question.",
    ("scheduler", "cluster"),
)
SCHEDULER_AGE = Family(
    "rackwatt_scheduler_answer_age_seconds",
    "gauge",
    "Age of the scheduler's last answer, whether it still counts or not.",
    ("scheduler", "cluster"),
    "seconds",
)
SCHEDULER_DURATION = Family(
    "rackwatt_scheduler_read_duration_seconds",
    "gauge",
    "How long the last question took, answered or not.",
    ("scheduler", "cluster"),
    "seconds",
)
SCHEDULER_ERRORS = Family(
    "rackwatt_scheduler_errors_total",
    "counter",
    "Questions that brought no answer, by reason.",
    ("scheduler", "cluster", "reason"),
)
SCHEDULER_NODES = Family(
    "rackwatt_scheduler_nodes",
    "gauge",
    "Nodes in each state, as the scheduler has them.",
    ("scheduler", "cluster", "state"),
)
TARGETS = Family("rackwatt_targets", "gauge", "Targets that the documents name.", ("powertarget",))
PROBLEMS = Family(
    "rackwatt_document_problems",
    "gauge",
    "Problems found in the documents; /status and the log tell each one.",
    (),
)
RELOADED = Family(
    "rackwatt_config_last_reload_timestamp_seconds",
    "gauge",
    "When the documents were last read.",
    (),
    "seconds",
)
RELOAD_GOOD = Family(
    "rackwatt_config_last_reload_successful",
    "gauge",
    "Whether the documents had no problem when they were last read.",
    (),
)
LAG = Family(
    "rackwatt_event_loop_lag_seconds",
    "gauge",
    "How late the exporter's own clockwork was, at worst, in the last ten seconds.",
    (),
    "seconds",
)
BUILD = Family(
    "rackwatt_build_info", "gauge", "1, with the version of this exporter.", ("version", "python")
)

PROBE_SUCCESS = Family(
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
PER_SCHEDULER = (
    SCHEDULER_UP, SCHEDULER_AGE, SCHEDULER_DURATION, SCHEDULER_ERRORS, SCHEDULER_NODES,
)  # fmt: skip
PER_PROCESS = (TARGETS, PROBLEMS, RELOADED, RELOAD_GOOD, LAG, BUILD)
FAMILIES = PER_TARGET + PER_MACHINE + PER_SCHEDULER + PER_FEED + PER_PROCESS
