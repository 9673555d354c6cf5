"""The Service: selected by the ServiceMonitor, and the DNS name of a binding's collector.

It is headless: Prometheus scrapes each pod, and a binding has one pod.
"""

from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params

PORT = 9123
ACCOUNTING_PORT = 9124


def service(params: Params) -> Manifest:
    """Build the Service."""
    name = params.scheme
    port = {"name": name, "port": PORT, "protocol": "TCP", "targetPort": name}
    spec = {"clusterIP": "None", "selector": selector(params.base), "ports": [port]}
    return params.manifest("v1", "Service", params.base, spec=spec)
