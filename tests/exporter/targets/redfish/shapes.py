"""Responses of BMCs by vendor: the resources about power, as the vendors serve them.

Routes for the emulator in tests/peers/sushy.py. Sources: each vendor's public documentation and
the threads named in the vendor table of the research; none was copied from a device of ours.
"""

from typing import Any

from tests.peers.sushy import CHASSIS, SYSTEM

Routes = dict[str, Any]

CHASSIS_PATH = f"/redfish/v1/Chassis/{CHASSIS}"
SYSTEM_PATH = f"/redfish/v1/Systems/{SYSTEM}"
POWER_PATH = f"{CHASSIS_PATH}/Power"
ENVIRONMENT_PATH = f"{CHASSIS_PATH}/EnvironmentMetrics"
NOT_THERE = {"peer": {"status": 404, "body": {"error": {}}}}


def collection(*paths: str) -> Routes:
    return {"Members": [link(path) for path in paths], "Members@odata.count": len(paths)}


def link(path: str) -> Routes:
    return {"@odata.id": path}


def environment(watts: float | None = 374.0, **more: Any) -> Routes:
    return {
        ENVIRONMENT_PATH: {"@odata.id": ENVIRONMENT_PATH, "PowerWatts": {"Reading": watts}, **more}
    }


def power(watts: float | None = 344.0, **more: Any) -> Routes:
    control = {"MemberId": "0", "Name": "System Power Control", "PowerConsumedWatts": watts}
    return {POWER_PATH: {"@odata.id": POWER_PATH, "PowerControl": [control], **more}}


def supplies(*values: float | None, name: str = "PowerInputWatts") -> Routes:
    """Power whose PowerControl says nothing; an absent bay beside the supplies."""
    fitted = [{"MemberId": str(i), name: watts} for i, watts in enumerate(values)]
    empty = {"MemberId": "9", name: None, "Status": {"State": "Absent"}}
    return power(None, PowerSupplies=[*fitted, empty])


def outputs(*values: float) -> Routes:
    """Power without a PowerControl, whose supplies report what they give out."""
    given = [{"MemberId": str(i), "LastPowerOutputWatts": each} for i, each in enumerate(values)]
    return {POWER_PATH: {"@odata.id": POWER_PATH, "PowerSupplies": given}}


def subsystem(*inputs: float | None, energy_kwh: float | None = None) -> Routes:
    """DSP2046's PowerSubsystem: a resource of metrics for each supply."""
    base = f"{CHASSIS_PATH}/PowerSubsystem"
    paths = [f"{base}/PowerSupplies/Bay{i}" for i in range(len(inputs))]
    routes: Routes = {
        base: {"@odata.id": base, "PowerSupplies": link(f"{base}/PowerSupplies")},
        f"{base}/PowerSupplies": collection(*paths),
    }
    for path, watts in zip(paths, inputs, strict=True):
        routes[path] = {"@odata.id": path, "Metrics": link(f"{path}/Metrics")}
        metrics: Routes = {"@odata.id": f"{path}/Metrics", "InputPowerWatts": {"Reading": watts}}
        if energy_kwh is not None:
            metrics["EnergykWh"] = {"Reading": energy_kwh}
        routes[f"{path}/Metrics"] = metrics
    return routes


def sensors(*listed: Routes) -> Routes:
    base = f"{CHASSIS_PATH}/Sensors"
    whole = [{"@odata.id": f"{base}/{each['Id']}", "ReadingUnits": "W", **each} for each in listed]
    routes = {each["@odata.id"]: each for each in whole}
    return {**routes, base: collection(*routes)}


DELL_17G_SENSORS = sensors(
    {"Id": "CPU1Pwr", "Name": "CPU1 Pwr", "ReadingType": "Power", "Reading": 95.0},
    {
        "Id": "SystemBoardPwrConsumption",
        "Name": "System Board Pwr Consumption",
        "ReadingType": "Power",
        "PhysicalContext": "SystemBoard",
        "Reading": 412.0,
    },
    {"Id": "PSU1Temp", "Name": "PSU1 Temp", "ReadingType": "Temperature", "Reading": 31.0},
)

DELL_IDRAC9 = {
    POWER_PATH: {
        "@odata.id": POWER_PATH,
        "PowerControl": [
            {
                "@odata.id": f"{POWER_PATH}#/PowerControl/0",
                "MemberId": "PowerControl",
                "Name": "System Power Control",
                "PowerConsumedWatts": 398,
                "PowerMetrics": {
                    "AverageConsumedWatts": 371,
                    "IntervalInMin": 1,
                    "MaxConsumedWatts": 521,
                    "MinConsumedWatts": 340,
                },
            }
        ],
    }
}

# Links end with a slash, and what has none is redirected.
HPE_ILO5 = {
    "/redfish/v1/Chassis": collection("/redfish/v1/Chassis/1/"),
    SYSTEM_PATH: {
        "@odata.id": f"{SYSTEM_PATH}/",
        "PowerState": "On",
        "Links": {"Chassis": [link("/redfish/v1/Chassis/1/")]},
    },
    "/redfish/v1/Chassis/1": {
        "@odata.id": "/redfish/v1/Chassis/1/",
        "Id": "1",
        "ChassisType": "RackMount",
        "Power": link("/redfish/v1/Chassis/1/Power/"),
        "Links": {"ComputerSystems": [link(f"{SYSTEM_PATH}/")]},
    },
    "/redfish/v1/Chassis/1/Power": {
        "@odata.id": "/redfish/v1/Chassis/1/Power/",
        "PowerControl": [{"MemberId": "0", "PowerConsumedWatts": 139}],
        "PowerSupplies": [
            {"MemberId": "0", "Name": "HpeServerPowerSupply", "LastPowerOutputWatts": 70},
            {"MemberId": "1", "Name": "HpeServerPowerSupply", "LastPowerOutputWatts": 69},
        ],
    },
}

HPE_ILO4 = {POWER_PATH: {"@odata.id": POWER_PATH, "PowerConsumedWatts": 212, "Oem": {"Hp": {}}}}

FUJITSU_IRMC = {
    POWER_PATH: {
        "@odata.id": POWER_PATH,
        "PowerControl": [],
        "Oem": {"ts_fujitsu": {"ChassisPowerConsumption": {"CurrentPowerConsumptionW": 188}}},
    }
}

LENOVO_XCC = {
    POWER_PATH: {
        "@odata.id": POWER_PATH,
        "PowerControl": [
            {"MemberId": "0", "Name": "Server Power Control", "PowerConsumedWatts": 303},
            {"MemberId": "1", "Name": "CPU Sub-system Power", "PowerConsumedWatts": 120},
            {"MemberId": "2", "Name": "Memory Sub-system Power", "PowerConsumedWatts": 40},
        ],
    }
}


def _cray_node(number: int, watts: int) -> Routes:
    chassis, system = f"/redfish/v1/Chassis/Node{number}", f"/redfish/v1/Systems/Node{number}"
    accelerator = {"Name": "Accelerator0 Power Control", "PowerConsumedWatts": 90}
    node = {"Name": "Node Power Control", "PowerConsumedWatts": watts}
    return {
        system: {
            "@odata.id": system,
            "Id": f"Node{number}",
            "PowerState": "On",
            "Links": {"Chassis": [link(chassis)]},
        },
        chassis: {
            "@odata.id": chassis,
            "Id": f"Node{number}",
            "ChassisType": "RackMount",
            "Power": link(f"{chassis}/Power"),
            "Links": {
                "ComputerSystems": [link(system)],
                "ContainedBy": link("/redfish/v1/Chassis/Enclosure"),
            },
        },
        f"{chassis}/Power": {
            "@odata.id": f"{chassis}/Power",
            "PowerControl": [
                {"@odata.id": f"{chassis}/Power#/PowerControl/Accelerator0", **accelerator},
                {"@odata.id": f"{chassis}/Power#/PowerControl/Node", **node},
            ],
        },
    }


CRAY_TWO_NODES = {
    "/redfish/v1/Systems": collection("/redfish/v1/Systems/Node0", "/redfish/v1/Systems/Node1"),
    "/redfish/v1/Chassis": collection(
        "/redfish/v1/Chassis/Enclosure", "/redfish/v1/Chassis/Node0", "/redfish/v1/Chassis/Node1"
    ),
    "/redfish/v1/Chassis/Enclosure": {
        "@odata.id": "/redfish/v1/Chassis/Enclosure",
        "Id": "Enclosure",
        "ChassisType": "Enclosure",
    },
    **_cray_node(0, 611),
    **_cray_node(1, 587),
}

# A host, its baseboard of GPUs as a second system, and modules with watts of their own.
NVIDIA_HGX = {
    "/redfish/v1/Systems": collection(SYSTEM_PATH, "/redfish/v1/Systems/HGX_Baseboard_0"),
    SYSTEM_PATH: {
        "@odata.id": SYSTEM_PATH,
        "Id": "DGX",
        "SystemType": "Physical",
        "PowerState": "On",
        "Links": {"Chassis": [link("/redfish/v1/Chassis/GPU_0"), link("/redfish/v1/Chassis/DGX")]},
    },
    "/redfish/v1/Systems/HGX_Baseboard_0": {
        "@odata.id": "/redfish/v1/Systems/HGX_Baseboard_0",
        "Id": "HGX_Baseboard_0",
        "PowerState": "On",
    },
    "/redfish/v1/Chassis": collection(
        "/redfish/v1/Chassis/GPU_0", "/redfish/v1/Chassis/GPU_1", "/redfish/v1/Chassis/DGX"
    ),
    "/redfish/v1/Chassis/DGX": {
        "@odata.id": "/redfish/v1/Chassis/DGX",
        "Id": "DGX",
        "ChassisType": "RackMount",
        "Links": {"ComputerSystems": [link(SYSTEM_PATH)]},
    },
    "/redfish/v1/Chassis/DGX/EnvironmentMetrics": {"PowerWatts": {"Reading": 5120.0}},
    **{
        f"/redfish/v1/Chassis/GPU_{i}{path}": document
        for i in range(2)
        for path, document in (
            (
                "",
                {
                    "@odata.id": f"/redfish/v1/Chassis/GPU_{i}",
                    "Id": f"GPU_{i}",
                    "ChassisType": "Module",
                    "Links": {"ContainedBy": link("/redfish/v1/Chassis/DGX")},
                },
            ),
            ("/EnvironmentMetrics", {"PowerWatts": {"Reading": 690.0}}),
        )
    },
}
