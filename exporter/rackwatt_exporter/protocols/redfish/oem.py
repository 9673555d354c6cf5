"""Vendor-specific properties that hold a machine's watts: data, a row for each.

tests/data/redfish has what a BMC of each vendor responds, and its README where that is known from.
Vendors without a row have the standard's PowerControl: Lenovo's XCC, and NEC's Express5800 with
HPE's iLO. NEC's EXPRESSSCOPE Engine 3 documents no Redfish (protocols/ipmi/power_commands.py), and
no source was found for NEC's vector hosts.
"""

# Properties of Power (DSP2046): the whole machine.
TOTALS: tuple[tuple[str, ...], ...] = (
    ("Oem", "ts_fujitsu", "ChassisPowerConsumption", "CurrentPowerConsumptionW"),  # iRMC
    ("Oem", "Public", "TotalPower"),  # Inspur, with the parts beside it
    ("PowerConsumedWatts",),  # HPE iLO 4
)

# Properties of each member of Power's PowerSupplies: what a supply takes in. The first is standard.
SUPPLY_INPUTS: tuple[tuple[str, ...], ...] = (
    ("PowerInputWatts",),
    ("Oem", "Huawei", "PowerInputWatts"),  # iBMC, where it has no PowerControl
    ("Oem", "xFusion", "PowerInputWatts"),  # Huawei's servers since 2021
)
