"""Differences between vendors' BMCs: a row for each, from what users report.

Their Redfish resources are in `redfish/vendors.py`, under the same names. Sources: the vendors'
public documents and the trackers of other exporters; none was copied from a device of ours.
"""

from dataclasses import dataclass
from typing import Literal

MAX_SESSIONS = 16  # as on real BMCs


@dataclass(frozen=True, slots=True)
class Vendor:
    """A line of BMCs.

    `dcmi` is the response to Get Power Reading: watts, 0 W, 0 W while not measuring, unknown
    command, or truncated. Without `highest`, a session has to name its privilege: it cannot request
    the highest that the user has. `sessions_path` is where Redfish sessions are opened, below
    /redfish/v1; `when_full` is the error code of a log-in beyond `sessions`. With `slashes` every
    path ends with one, and a request without it is redirected. With `nonsense` numbers are words.
    """

    name: str
    dcmi: Literal["watts", "zero", "inactive", "absent", "short"] = "watts"
    highest: bool = True
    suites: tuple[int, ...] = (17, 3)
    sessions: int = MAX_SESSIONS
    sessions_path: str = "SessionService/Sessions"
    when_full: str = "Base.1.18.SessionLimitExceeded"
    slashes: bool = False
    nonsense: bool = False


GENERIC = Vendor("generic")
VENDORS = {
    vendor.name: vendor
    for vendor in (
        GENERIC,
        # Sessions at the old path, eight of them, then 503 RAC0218.
        Vendor(
            "idrac8",
            suites=(3,),
            sessions=8,
            sessions_path="Sessions",
            when_full="IDRAC.1.6.RAC0218",
        ),
        Vendor("idrac9", sessions=8, when_full="IDRAC.2.8.RAC0218"),
        Vendor("idrac10", sessions=8, when_full="IDRAC.2.8.RAC0218"),
        Vendor("ilo4", suites=(3,)),
        Vendor("ilo5", slashes=True),
        # A power supply without PMBus reports no power to the BMC.
        Vendor("supermicro-x11", dcmi="zero", highest=False),
        Vendor("supermicro-x14", highest=False),
        Vendor("lenovo-xcc"),
        Vendor("fujitsu-irmc"),
        Vendor("cray-ex"),
        Vendor("openbmc"),
        Vendor("hgx"),
        Vendor("cisco", dcmi="absent"),
        # No vendor's: power measurement is switched off, and the BMC reports 0 W.
        Vendor("not-measuring", dcmi="inactive"),
        # No vendor's: firmware that is broken, or still starting.
        Vendor("nonsense", dcmi="short", nonsense=True),
    )
}
