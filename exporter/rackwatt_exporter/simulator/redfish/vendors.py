"""Redfish resources by vendor, where they differ from the standard's tree.

A row for each vendor of `vendors`; None means that the resource does not exist. The watts are the
machine's, whole in one resource; parts of it are shown where the vendors show parts.
"""

from collections.abc import Callable

from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.tree import (
    CHASSIS,
    ENVIRONMENT,
    POWER,
    ROOT,
    SYSTEM,
    Resource,
    collection,
    generic,
    link,
    power_control,
    power_state,
    shown_watts,
)

Shown = dict[str, Resource | None]

_CHASSIS_LIST, _SYSTEM_LIST = f"{ROOT}/Chassis", f"{ROOT}/Systems"
_GPUS = 4
_MODULES = 2
_NODES = 2


def resource(machine: SimulatedMachine, path: str, time_s: float) -> Resource | None:
    """Return a resource as it is at a time (seconds since the epoch); None where there is none."""
    vendors = _VENDORS.get(machine.vendor.name)
    own = vendors(machine, time_s) if vendors else {}
    shown = own[path] if path in own else generic(machine, path, time_s)
    if shown is None:
        return None
    whole = {"@odata.id": path, **shown}
    return _with_slashes(whole) if machine.vendor.slashes else whole


def _dell(machine: SimulatedMachine, time_s: float) -> Shown:
    chassis = f"{_CHASSIS_LIST}/System.Embedded.1"
    control = power_control(machine, time_s, f"{chassis}/Power")
    power = {"PowerControl": [{**control, "Name": "System Power Control"}]}
    return _only_chassis(machine, chassis, power)


def _idrac8(machine: SimulatedMachine, time_s: float) -> Shown:
    """Power supplies report their input; their output is null."""
    chassis = f"{_CHASSIS_LIST}/System.Embedded.1"
    control = power_control(machine, time_s, f"{chassis}/Power")
    supplies = [
        {"MemberId": f"PSU.Slot.{n}", "PowerInputWatts": watts, "LastPowerOutputWatts": None}
        for n, watts in enumerate(_halves(machine, time_s), 1)
    ]
    return _only_chassis(machine, chassis, {"PowerControl": [control], "PowerSupplies": supplies})


def _idrac10(machine: SimulatedMachine, time_s: float) -> Shown:
    """Neither Power nor metrics: the watts are a sensor among others."""
    chassis = f"{_CHASSIS_LIST}/System.Embedded.1"
    sensors = {
        "SystemBoardPwrConsumption": ("Power", "W", shown_watts(machine, machine.watts(time_s))),
        "SystemBoardInletTemp": ("Temperature", "Cel", 22),
    }
    shown = _only_chassis(machine, chassis, None)
    shown[f"{chassis}/Sensors"] = collection("Sensor", *(f"{chassis}/Sensors/{n}" for n in sensors))
    for name, (kind, units, reading) in sensors.items():
        sensor = {"Id": name, "ReadingType": kind, "ReadingUnits": units, "Reading": reading}
        shown[f"{chassis}/Sensors/{name}"] = {**sensor, "Status": {"State": "Enabled"}}
    return shown


def _ilo4(machine: SimulatedMachine, time_s: float) -> Shown:
    """Watts are at the top level, and two supplies share one name."""
    supplies = [
        {"Name": "HpServerPowerSupply", "MemberId": str(n), "LastPowerOutputWatts": watts}
        for n, watts in enumerate(_halves(machine, time_s))
    ]
    watts = shown_watts(machine, machine.watts(time_s))
    power: Resource = {"PowerConsumedWatts": watts, "PowerSupplies": supplies, "Oem": {"Hp": {}}}
    return {ENVIRONMENT: None, POWER: power}


def _without_environment(_machine: SimulatedMachine, _time_s: float) -> Shown:
    return {ENVIRONMENT: None}


def _supermicro_x14(machine: SimulatedMachine, time_s: float) -> Shown:
    """There is no Power, and EnvironmentMetrics needs a licence: only the supplies have metrics."""
    base = f"{CHASSIS}/PowerSubsystem"
    supplies = [f"{base}/PowerSupplies/{n}" for n in (1, 2)]
    shown: Shown = {
        ENVIRONMENT: None,
        POWER: None,
        base: {"PowerSupplies": link(f"{base}/PowerSupplies")},
        f"{base}/PowerSupplies": collection("PowerSupply", *supplies),
    }
    for path, watts in zip(supplies, _halves(machine, time_s), strict=True):
        shown[path] = {"Metrics": link(f"{path}/Metrics"), "Status": {"State": "Enabled"}}
        shown[f"{path}/Metrics"] = {"InputPowerWatts": {"Reading": watts}}
    return shown


def _lenovo_xcc(machine: SimulatedMachine, time_s: float) -> Shown:
    """Parts of the machine are listed beside the whole."""
    control = power_control(machine, time_s)
    parts = [
        {"MemberId": str(n), "Name": name, "PowerConsumedWatts": share * machine.watts(time_s)}
        for n, name, share in (
            (1, "CPU Sub-system Power", 0.5),
            (2, "Memory Sub-system Power", 0.1),
        )
    ]
    return {ENVIRONMENT: None, POWER: {"PowerControl": [control, *parts]}}


def _fujitsu_irmc(machine: SimulatedMachine, time_s: float) -> Shown:
    watts = shown_watts(machine, machine.watts(time_s))
    own = {"ChassisPowerConsumption": {"CurrentPowerConsumptionW": watts}}
    return {ENVIRONMENT: None, POWER: {"PowerControl": [], "Oem": {"ts_fujitsu": own}}}


def _cray_ex(machine: SimulatedMachine, time_s: float) -> Shown:
    """Two nodes behind one BMC, each with the whole machine's watts of its own."""
    nodes = [f"Node{n}" for n in range(_NODES)]
    enclosure = f"{_CHASSIS_LIST}/Enclosure"
    shown: Shown = {
        CHASSIS: None,
        SYSTEM: None,
        _SYSTEM_LIST: collection("ComputerSystem", *(f"{_SYSTEM_LIST}/{n}" for n in nodes)),
        _CHASSIS_LIST: collection(
            "Chassis", enclosure, *(f"{_CHASSIS_LIST}/{node}" for node in nodes)
        ),
        enclosure: {"Id": "Enclosure", "ChassisType": "Enclosure"},
    }
    for node in nodes:
        chassis, system = f"{_CHASSIS_LIST}/{node}", f"{_SYSTEM_LIST}/{node}"
        whole = {"Name": "Node Power Control", "@odata.id": f"{chassis}/Power#/PowerControl/Node"}
        part = {"Name": "Accelerator0 Power Control", "PowerConsumedWatts": 90}
        control = power_control(machine, time_s, f"{chassis}/Power")
        shown |= _system(machine, node, system, chassis)
        shown |= _chassis(node, chassis, system, ContainedBy=link(enclosure))
        shown[f"{chassis}/Power"] = {"PowerControl": [part, {**control, **whole}]}
    return shown


def _openbmc(machine: SimulatedMachine, time_s: float) -> Shown:
    chassis = f"{_CHASSIS_LIST}/chassis"
    metrics = generic(machine, ENVIRONMENT, time_s) or {}
    shown = _only_chassis(machine, chassis, None)
    shown[f"{chassis}/EnvironmentMetrics"] = {"PowerWatts": metrics["PowerWatts"]}
    return shown


def _hgx(machine: SimulatedMachine, time_s: float) -> Shown:
    """Modules are listed before the host that contains them, with parts of its watts."""
    modules = [f"{_CHASSIS_LIST}/HGX_ProcessorModule_{n}" for n in range(_MODULES)]
    baseboard = f"{_SYSTEM_LIST}/HGX_Baseboard_0"
    host = {"ComputerSystems": [link(SYSTEM)], "Contains": [link(each) for each in modules]}
    shown: Shown = {
        _SYSTEM_LIST: collection("ComputerSystem", baseboard, SYSTEM),
        _CHASSIS_LIST: collection("Chassis", *modules, CHASSIS),
        CHASSIS: {**(generic(machine, CHASSIS, time_s) or {}), "Links": host},
        POWER: None,
    }
    inside = {"ComputerSystems": [link(baseboard)], "ContainedBy": link(CHASSIS)}
    watts = 0.8 * machine.watts(time_s) / _MODULES
    for module in modules:
        shown |= _part(machine, module, watts, {"ChassisType": "Module", "Links": inside})
    shown |= _system(machine, "1", SYSTEM, *modules, CHASSIS)
    return shown | _hgx_baseboard(machine, baseboard, time_s)


def _hgx_baseboard(machine: SimulatedMachine, baseboard: str, time_s: float) -> Shown:
    """A second system, whose processors are the GPUs in the modules."""
    processors = f"{baseboard}/Processors"
    gpus = [f"{processors}/GPU_{n}" for n in range(_GPUS)]
    state = {"Id": "HGX_Baseboard_0", "PowerState": power_state(machine)}
    shown: Shown = {
        baseboard: {**state, "Processors": link(processors)},
        processors: collection("Processor", *gpus),
    }
    watts = 0.7 * machine.watts(time_s) / _GPUS
    for gpu in gpus:
        shown |= _part(machine, gpu, watts, {"ProcessorType": "GPU"})
    return shown


def _nonsense(_machine: SimulatedMachine, _time_s: float) -> Shown:
    control = {"PowerConsumedWatts": "N/A", "PowerMetrics": []}
    metrics = {"PowerWatts": {"Reading": "garbage"}, "EnergyJoules": {"Reading": -1}}
    return {ENVIRONMENT: metrics, POWER: {"PowerControl": [None, control]}}


def _only_chassis(machine: SimulatedMachine, chassis: str, power: Resource | None) -> Shown:
    """Give the only chassis another name; it has only Power."""
    shown: Shown = {
        CHASSIS: None,
        ENVIRONMENT: None,
        POWER: None,
        _CHASSIS_LIST: collection("Chassis", chassis),
        f"{chassis}/Power": power,
    }
    shown |= _chassis(chassis.rpartition("/")[2], chassis, SYSTEM)
    return shown | _system(machine, "1", SYSTEM, chassis)


def _system(machine: SimulatedMachine, name: str, path: str, *chassis: str) -> Shown:
    state = {"Id": name, "SystemType": "Physical", "PowerState": power_state(machine)}
    # Every client needs the link to the chassis of a system.
    links = {"Chassis": [link(each) for each in chassis]}
    return {path: {**state, "Name": machine.name, "Links": links}}


def _chassis(name: str, path: str, system: str, **links: Resource) -> Shown:
    known = {"Id": name, "Name": name, "ChassisType": "RackMount"}
    return {path: {**known, "Links": {"ComputerSystems": [link(system)], **links}}}


def _part(machine: SimulatedMachine, path: str, watts: float, known: Resource) -> Shown:
    name, metrics = path.rpartition("/")[2], f"{path}/EnvironmentMetrics"
    return {
        path: {"Id": name, "Name": name, **known, "EnvironmentMetrics": link(metrics)},
        metrics: {"PowerWatts": {"Reading": shown_watts(machine, watts)}},
    }


def _halves(machine: SimulatedMachine, time_s: float) -> list[float | None]:
    """Divide the watts among two power supplies, to a tenth, so that their sum is the whole."""
    whole = shown_watts(machine, machine.watts(time_s))
    if whole is None:
        return [None, None]
    first = round(whole / 2, 1)
    return [first, round(whole - first, 1)]


def _with_slashes(shown: Resource) -> Resource:
    """End every referenced path with a slash."""
    ended = {}
    for key, value in shown.items():
        if key == "@odata.id" and "#" not in value:
            ended[key] = value.rstrip("/") + "/"
        elif isinstance(value, dict):
            ended[key] = _with_slashes(value)
        elif isinstance(value, list):
            ended[key] = [_with_slashes(each) if isinstance(each, dict) else each for each in value]
        else:
            ended[key] = value
    return ended


_VENDORS: dict[str, Callable[[SimulatedMachine, float], Shown]] = {
    "idrac8": _idrac8,
    "idrac9": _dell,
    "idrac10": _idrac10,
    "ilo4": _ilo4,
    "ilo5": _without_environment,
    "supermicro-x11": _without_environment,
    "supermicro-x14": _supermicro_x14,
    "lenovo-xcc": _lenovo_xcc,
    "fujitsu-irmc": _fujitsu_irmc,
    "cray-ex": _cray_ex,
    "openbmc": _openbmc,
    "hgx": _hgx,
    "cisco": _without_environment,
    "not-measuring": _without_environment,
    "nonsense": _nonsense,
}
