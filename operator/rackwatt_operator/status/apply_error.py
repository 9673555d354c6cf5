"""An error in applying or deleting a child, as a value: the status reports all of them."""

from dataclasses import dataclass

from rackwatt_operator.kube.resources import ObjectKey


@dataclass(frozen=True, slots=True)
class ApplyError:
    """Why a child is not as desired; `retriable` if waiting may be enough."""

    child: ObjectKey
    reason: str
    message: str
    retriable: bool = False
    wait_s: float = 0.0

    @property
    def namespace_terminating(self) -> bool:
        """Whether no other child can be applied either, because the namespace is being deleted."""
        return self.reason == "NamespaceTerminating"
