"""What sets one maker's BMCs apart from another's: a row for each, from what users report.

What they show over Redfish is in `redfish_vendors`, under the same names. Sources: the vendors'
public documents and the trackers of other exporters; none was copied from a device of ours.
"""

from dataclasses import dataclass
from typing import Literal

MOST_SESSIONS = 16  # as few as real BMCs have


@dataclass(frozen=True, slots=True)
class Vendor:
    """A line of BMCs.

    `dcmi` is how Get Power Reading is answered: with watts, with 0 W, with 0 W that are not being
    measured, as an unknown command, or cut short. Where `highest` is not, a session must name its
    privilege: the highest that there is may not be asked for. `sessions_path` is where Redfish
    sessions are opened, beneath /redfish/v1; `when_full` the code that a login beyond `sessions`
    meets. With `slashes` every path ends with one, and a request without it is redirected. With
    `nonsense` numbers are words.
    """

    name: str
    dcmi: Literal["watts", "zero", "inactive", "absent", "short"] = "watts"
    highest: bool = True
    suites: tuple[int, ...] = (17, 3)
    sessions: int = MOST_SESSIONS
    sessions_path: str = "SessionService/Sessions"
    when_full: str = "Base.1.18.SessionLimitExceeded"
    slashes: bool = False
    nonsense: bool = False


GENERIC = Vendor("generic")
VENDORS = {
    vendor.name: vendor
    for vendor in (
        GENERIC,
        # Sessions at the old place, eight of them, then 503 RAC0218.
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
        # A power supply without PMBus tells the BMC nothing.
        Vendor("supermicro-x11", dcmi="zero", highest=False),
        Vendor("supermicro-x14", highest=False),
        Vendor("lenovo-xcc"),
        Vendor("fujitsu-irmc"),
        Vendor("cray-ex"),
        Vendor("openbmc"),
        Vendor("hgx"),
        Vendor("cisco", dcmi="absent"),
        # No maker's: power measurement is switched off, and 0 W are told nevertheless.
        Vendor("not-measuring", dcmi="inactive"),
        # No maker's: firmware that is broken, or still starting.
        Vendor("nonsense", dcmi="short", nonsense=True),
    )
}
