"""Redfish resources of a simulated machine: pure functions of machine and time.

The minimum for a client: a service root, one system in one chassis, and the power of that chassis
in both resources of the standard, the current one and the older.
"""

from typing import Any

from rackwatt_exporter.simulator.machine import SimulatedMachine

ROOT = "/redfish/v1"
SERVICE = f"{ROOT}/SessionService"
SESSIONS = f"{SERVICE}/Sessions"
SYSTEM = f"{ROOT}/Systems/1"
CHASSIS = f"{ROOT}/Chassis/1"
ENVIRONMENT = f"{CHASSIS}/EnvironmentMetrics"
POWER = f"{CHASSIS}/Power"

JOULES_PER_KWH = 3_600_000.0
WINDOW_MINUTES = 1

Resource = dict[str, Any]


def generic(machine: SimulatedMachine, path: str, time_s: float) -> Resource | None:
    """Return a standard resource as it is at a time; None where there is none."""
    make = _TREE.get(path)
    return None if make is None else {"@odata.id": path, **make(machine, time_s)}


def _root(machine: SimulatedMachine, _time_s: float) -> Resource:
    sessions = f"{ROOT}/{machine.vendor.sessions_path}"
    return {
        "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot",
        "Id": "RootService",
        "Name": f"Simulated BMC of {machine.name}",
        "RedfishVersion": "1.15.0",
        "Systems": link(f"{ROOT}/Systems"),
        "Chassis": link(f"{ROOT}/Chassis"),
        "SessionService": link(SERVICE),
        "Links": {"Sessions": link(sessions)},
    }


def _session_service(_machine: SimulatedMachine, _time_s: float) -> Resource:
    return {
        "@odata.type": "#SessionService.v1_1_8.SessionService",
        "Id": "SessionService",
        "Name": "Session Service",
        "ServiceEnabled": True,
        "Sessions": link(SESSIONS),
    }


def _systems(_machine: SimulatedMachine, _time_s: float) -> Resource:
    return collection("ComputerSystem", SYSTEM)


def _chassis_list(_machine: SimulatedMachine, _time_s: float) -> Resource:
    return collection("Chassis", CHASSIS)


def _sessions(_machine: SimulatedMachine, _time_s: float) -> Resource:
    return collection("Session")


def _system(machine: SimulatedMachine, _time_s: float) -> Resource:
    return {
        "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
        "Id": "1",
        "Name": machine.name,
        "SystemType": "Physical",
        "HostName": machine.name,
        "PowerState": power_state(machine),
        "Links": {"Chassis": [link(CHASSIS)]},
    }


def _chassis(machine: SimulatedMachine, _time_s: float) -> Resource:
    return {
        "@odata.type": "#Chassis.v1_23_0.Chassis",
        "Id": "1",
        "Name": machine.name,
        "ChassisType": "RackMount",
        "PowerState": power_state(machine),
        "EnvironmentMetrics": link(ENVIRONMENT),
        "Power": link(POWER),
        "Links": {"ComputerSystems": [link(SYSTEM)]},
    }


def _environment(machine: SimulatedMachine, time_s: float) -> Resource:
    joules = machine.joules(time_s)
    return {
        "@odata.type": "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics",
        "Id": "EnvironmentMetrics",
        "Name": "Chassis Environment Metrics",
        "PowerWatts": {"Reading": shown_watts(machine, machine.watts(time_s))},
        "EnergyJoules": {"Reading": joules},
        "EnergykWh": {
            "Reading": joules / JOULES_PER_KWH,
            "LifetimeReading": joules / JOULES_PER_KWH,
        },
    }


def _power(machine: SimulatedMachine, time_s: float) -> Resource:
    return {
        "@odata.type": "#Power.v1_7_1.Power",
        "Id": "Power",
        "Name": "Power",
        "PowerControl": [power_control(machine, time_s)],
    }


def power_control(machine: SimulatedMachine, time_s: float, power: str = POWER) -> Resource:
    """Return the machine's watts, and what was kept of the last minute's."""
    kept = machine.statistics(time_s, window_s=60.0 * WINDOW_MINUTES)
    return {
        "@odata.id": f"{power}#/PowerControl/0",
        "MemberId": "0",
        "Name": "Server Power Control",
        "PowerConsumedWatts": shown_watts(machine, machine.watts(time_s)),
        "PowerMetrics": {
            "IntervalInMin": WINDOW_MINUTES,
            "AverageConsumedWatts": shown_watts(machine, kept.average_watts),
            "MinConsumedWatts": shown_watts(machine, kept.minimum_watts),
            "MaxConsumedWatts": shown_watts(machine, kept.maximum_watts),
        },
    }


def collection(kind: str, *members: str) -> Resource:
    """Return a collection of resources by their paths."""
    return {
        "@odata.type": f"#{kind}Collection.{kind}Collection",
        "Name": f"{kind} Collection",
        "Members@odata.count": len(members),
        "Members": [link(member) for member in members],
    }


def link(path: str) -> Resource:
    """Return a reference to a resource."""
    return {"@odata.id": path}


def power_state(machine: SimulatedMachine) -> str:
    """Return Redfish's PowerState of the machine."""
    return "On" if machine.powered_on else "Off"


def shown_watts(machine: SimulatedMachine, watts: float | None) -> float | None:
    """Return the watts to a tenth; None for a machine that is off, as on real BMCs."""
    return round(watts, 1) if machine.powered_on and watts is not None else None


_TREE = {
    ROOT: _root,
    SERVICE: _session_service,
    SESSIONS: _sessions,
    f"{ROOT}/Systems": _systems,
    f"{ROOT}/Chassis": _chassis_list,
    SYSTEM: _system,
    CHASSIS: _chassis,
    ENVIRONMENT: _environment,
    POWER: _power,
}
