"""SchedulerBindings, from the text of a spec."""

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.loading import load
from rackwatt_exporter.config.scheduler import SchedulerConfig, scheduler_config


def resolved(spec: str) -> SchedulerConfig:
    """Resolve a binding of cluster alpha."""
    text = f"""
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec: {{cluster: alpha, {spec}}}
"""
    (loaded,) = load(text.encode(), "test")
    assert not loaded.problems
    assert isinstance(loaded.document, SchedulerBinding)
    return scheduler_config(loaded.document)
