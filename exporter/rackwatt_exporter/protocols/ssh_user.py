"""A name for a uid that has none: ssh refuses to run as a user whom /etc/passwd does not have.

Clusters may choose any uid for a container (OpenShift does), and its root file system is read-only.
So ssh is shown a file of users of our own, through nss_wrapper of cwrap.org.
"""

import os
import pwd
from pathlib import Path

LIBRARY = "libnss_wrapper.so"
UNKNOWN = "no user exists for uid"
HINT = (
    "ssh needs a name for this uid: run the exporter as one that /etc/passwd has, or install "
    "nss_wrapper (Debian: libnss-wrapper)"
)


def named(file: Path) -> tuple[str, ...]:
    """Give the beginning of a command that is to find a user for our uid; writes `file` for it."""
    uid, gid = os.getuid(), os.getgid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        file.write_text(f"rackwatt:x:{uid}:{gid}:Rackwatt:/nonexistent:/usr/sbin/nologin\n")
        wrapped = (f"NSS_WRAPPER_PASSWD={file}", "NSS_WRAPPER_GROUP=/etc/group")
        return "env", f"LD_PRELOAD={LIBRARY}", *wrapped
    return ()
