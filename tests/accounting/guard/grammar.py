"""Random PromQL, most of it valid, some of it meant to get around the guard."""

from random import Random

from rackwatt_accounting.guard.expression import AGGREGATIONS, FUNCTIONS
from tests.accounting.guard.series import FOREIGN, MINE, NAMES

_METRICS = (*NAMES, *NAMES, *NAMES, "up", "node_systemd_unit_state", "rackwatt_node_energy_joules_total",
            "rackwatt_unit_manager_up", "rackwatt_unit_", "sum", "by", "start", "inf", "or", "offset")  # fmt: skip
_LABELS = (
    "unit",
    "unit",
    "owner",
    "node",
    "mode",
    "__name__",
    '"unit"',
    '"node"',
    '"a b"',
    "or",
    "job",
    '"żółw"',
    '"q\\"r"',
)
_VALUES = (*MINE, *FOREIGN, "", ".+", ".*", "alice", "mallory", "101|.*", "(101|102)", "(101)|(.*)", "^.*$", "$^",
           "(?i:MALLORY)", "mal.+", "[^a]*", "1010?", "\\\\d+", "rackwatt_unit_.*", "up", "żółw", 'a"b', "a\\\\", "}", "{", "#", "x{", "*/")  # fmt: skip
_DURATIONS = ("5m", "1h", "90s", "1d", "2h30m", "10y", "1ms", "3600", "3600", "1e20")
_BINARY = (
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "!=",
    ">",
    "<",
    ">=",
    "and",
    "or",
    "unless",
    "atan2",
    "> bool",
)
_OF_RANGES = (
    *sorted(one for one in FUNCTIONS if one.endswith("_over_time") and one != "quantile_over_time"),
    *("rate", "increase", "irate", "delta", "idelta", "changes", "resets", "deriv"),
)
_OF_VECTORS = (
    "abs",
    "ceil",
    "floor",
    "absent",
    "sort",
    "sort_desc",
    "timestamp",
    "ln",
    "exp",
    "sgn",
    "histogram_count",
    "day_of_week",
)
_SPLICES = ('"} or up{a="', "} or up{", '",unit=~".+', "\n", "#", "# \n", "`", "'", '"', "\\", "{", "}", "(", ")", ",", " or ",
            " unless up", "[5m]", "[5m:1m]", " @ 0", " offset 1d", "\u0000", "\u00a0", "\ufeff", "é", "‮", "{}", "up", " up ",
            '{__name__=~".+"}', "info(", " smoothed", " anchored", "0x", "1e9999", "/*", "*/", '\\"', "\\x7d", "\\u007d", ";", "||")  # fmt: skip


def query(random: Random) -> str:
    """Draw a query; of every fourth, a few characters are changed."""
    text = _vector(random, random.randint(0, 4))
    if random.random() < 0.25:
        for _ in range(random.randint(1, 3)):
            text = _spoilt(random, text)
    return text


def _spoilt(random: Random, text: str) -> str:
    at = random.randint(0, len(text))
    kind = random.randint(0, 3)
    if kind == 0:
        return text[:at] + text[at + random.randint(1, 4) :]
    if kind == 1:
        return (
            text[:at]
            + chr(random.choice((random.randint(0, 127), random.randint(0, 0x2FFF))))
            + text[at:]
        )
    return text[:at] + random.choice(_SPLICES) + text[at:]


def _string(random: Random) -> str:
    value = random.choice(_VALUES)
    return f'"{value.replace(chr(34), chr(92) + chr(34))}"'.replace("\n", "\\n")


def matcher(random: Random) -> str:
    """Draw one matcher."""
    return (
        f"{random.choice(_LABELS)}{random.choice(('=', '!=', '=~', '!~', '=~'))}{_string(random)}"
    )


def selector(random: Random) -> str:
    """Draw a selector of series."""
    matchers = [matcher(random) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    name = random.choice(_METRICS if random.random() < 0.1 else NAMES)
    shape = random.randint(0, 9)
    if shape == 0:
        return "{" + ",".join([f'"{name}"', *matchers]) + "}"
    if shape == 1:
        return (
            "{"
            + ",".join([f'__name__=~"{random.choice((".+", name, "rackwatt_.*"))}"', *matchers])
            + "}"
        )
    if shape == 2 and matchers:
        return name + "{" + " or ".join([*matchers, matcher(random)]) + "}"
    if shape == 3:
        return "{" + ",".join(matchers) + "}"
    return name + ("{" + ",".join(matchers) + "}" if matchers else "")


def _modifiers(random: Random) -> str:
    text = ""
    if random.random() < 0.2:
        text += random.choice((" @ start()", " @ end()", " @ 1700000000", " @ 1e18", " @ 1.5"))
    if random.random() < 0.2:
        text += f" offset {random.choice(('', '-'))}{random.choice(_DURATIONS)}"
    return text


def _range(random: Random, depth: int) -> str:
    if depth > 0 and random.random() < 0.3:
        step = random.choice(("", "1m", "30s"))
        return (
            f"{_vector(random, depth - 1)}[{random.choice(_DURATIONS)}:{step}]{_modifiers(random)}"
        )
    return f"{selector(random)}[{random.choice(_DURATIONS)}]{_modifiers(random)}"


def _labels(random: Random) -> str:
    names = ("unit", "owner", "node", "mode", "instance", '"q r"')
    return ", ".join(random.sample(names, random.randint(0, 3)))


def _vector(random: Random, depth: int) -> str:
    if depth <= 0:
        return selector(random) + _modifiers(random)
    kind, inner = random.randint(0, 11), depth - 1
    if kind <= 1:
        return f"{random.choice(_OF_RANGES)}({_range(random, inner)})"
    if kind == 2:
        function = "info" if random.random() < 0.05 else random.choice(_OF_VECTORS)
        return f"{function}({_vector(random, inner)})"
    if kind <= 4:
        operator = random.choice(
            sorted(AGGREGATIONS - {"topk", "bottomk", "quantile", "count_values"})
        )
        by = (
            f" {random.choice(('by', 'without'))} ({_labels(random)})"
            if random.random() < 0.6
            else ""
        )
        return f"{operator}{by} ({_vector(random, inner)})"
    if kind == 5:
        parameter = f"scalar({_vector(random, 0)})" if random.random() < 0.3 else "3"
        return f"{random.choice(('topk', 'bottomk', 'quantile'))}({parameter}, {_vector(random, inner)})"
    if kind == 6:
        return f"count_values({_string(random)}, {_vector(random, inner)})"
    if kind == 7:
        return f'label_replace({_vector(random, inner)}, "unit", {_string(random)}, "owner", {_string(random)})'
    if kind <= 9:
        matching = random.choice(
            ("", "", " on (unit)", " ignoring (node)", " on (node) group_left (owner)")
        )
        return (
            f"{_vector(random, inner)} {random.choice(_BINARY)}{matching} {_vector(random, inner)}"
        )
    if kind == 10:
        return (
            f"{random.choice(('-', '+', '(', '((', ''))}{_vector(random, inner)}"
            + random.choice(("", ")", "))"))
        )
    return random.choice(
        (
            "vector(1)",
            "1",
            "time()",
            f"({_vector(random, inner)})",
            f"scalar({_vector(random, inner)})",
        )
    )


def escaped(value: str) -> str:
    """Escape a label's value as OpenMetrics does."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
