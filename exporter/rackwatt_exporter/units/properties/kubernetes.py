"""Names and namespaces of pods, from the names of the directories that the kubelet logs to.

It makes `NAMESPACE_NAME_UID` in /var/log/pods for each pod, static ones too, before the first
container of the pod runs (BuildPodLogsDirectory, Kubernetes 1.14). The UID is that of the control
group; neither a namespace nor a name has an underscore, and none is ever cut. So a list of names is
enough: no request to the kubelet or to the API server, no token, and no log is opened.
"""

import os
import re
import time
from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.model import UnitInfo

LOGS = "var/log/pods"
_POD = re.compile(
    r"(?P<namespace>[a-z0-9-]{1,63})_(?P<name>[a-z0-9.-]{1,253})_(?P<uid>[0-9A-Za-z-]+)"
)
# Times of files advance with the tick of the kernel: a second change within one is not seen.
_SETTLED_NS = 1_000_000_000


class PodNames:
    """The pods that the kubelet of the machine with this root directory has a directory for."""

    def __init__(self, root: Path) -> None:
        self._directory = root / LOGS
        self._pods: dict[str, UnitInfo] = {}
        self._changed_ns: int | None = None

    def info(self, uid: str) -> UnitInfo:
        """Return the name and the namespace of a pod; both empty while it has no directory.

        Raises:
            ReadError: absent or permission_denied, where the directories cannot be listed.
        """
        if uid not in self._pods:
            self._list()
        return self._pods.get(uid) or UnitInfo(uuid=uid)

    def _list(self) -> None:
        """List the directories, unless they are the same as before."""
        try:
            changed_ns = self._directory.stat().st_mtime_ns
            if changed_ns == self._changed_ns:
                return
            is_settled = time.time_ns() - changed_ns > _SETTLED_NS
            names = os.listdir(self._directory)
        except PermissionError:
            message = f"{self._directory} may not be listed: the kubelet makes it for root alone"
            raise ReadError(Reason.PERMISSION_DENIED, message) from None
        except OSError as error:
            message = f"{self._directory}: {error.strerror}: pods have no names without it"
            raise ReadError(Reason.ABSENT, message) from None
        self._changed_ns = changed_ns if is_settled else None
        self._pods = dict(filter(None, map(parsed, names)))


def parsed(directory: str) -> tuple[str, UnitInfo] | None:
    """Return the UID of a pod, and what it is called, by its directory; None for any other."""
    match = _POD.fullmatch(directory)
    if match is None:
        return None
    uid = match["uid"]
    return uid, UnitInfo(uuid=uid, name=match["name"], namespace=match["namespace"])
