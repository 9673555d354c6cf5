"""A child that is not as it should be."""

from dataclasses import dataclass

from rackwatt_operator.kube.resources import ObjectKey


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why it is not; `passing` if nobody has to do anything about it but wait."""

    child: ObjectKey
    reason: str
    message: str
    passing: bool = False
    wait_s: float = 0.0

    @property
    def hopeless(self) -> bool:
        """Whether no other child will fare better: the whole namespace goes."""
        return self.reason == "NamespaceTerminating"
