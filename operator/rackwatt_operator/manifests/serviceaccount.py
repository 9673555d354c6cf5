"""The ServiceAccount of the collectors: a name of their own, and no token for the API."""

from rackwatt_operator.manifests.params import Manifest, Params


def service_account(params: Params) -> Manifest:
    """Build the ServiceAccount."""
    return params.manifest("v1", "ServiceAccount", params.base, automountServiceAccountToken=False)
