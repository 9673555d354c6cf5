"""The ServiceAccount of the collectors: a name of their own, and no token for the API."""

from rackwatt_operator.manifests.params import Manifest, Params


def service_account(subject: Params) -> Manifest:
    """Make the ServiceAccount."""
    return subject.manifest(
        "v1", "ServiceAccount", subject.base, automountServiceAccountToken=False
    )
