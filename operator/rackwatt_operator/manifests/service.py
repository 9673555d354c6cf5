"""The Service: what a ServiceMonitor finds, and the name collectors ask a binding by.

Headless, for Prometheus asks each pod itself, and a binding has one.
"""

from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params

PORT = 9123


def service(subject: Params) -> Manifest:
    """Make the Service."""
    name = subject.scheme
    port = {"name": name, "port": PORT, "protocol": "TCP", "targetPort": name}
    spec = {"clusterIP": "None", "selector": selector(subject.base), "ports": [port]}
    return subject.manifest("v1", "Service", subject.base, spec=spec)
