"""Detection of GPUs with power supplies of their own, which the source of the node leaves out.

No interface says so. What a source measures cannot be less than a part of it: where the GPUs draw
more than the node, they are not in it. One reading late or wrong is no proof, and neither is it for
ever: where the node's power moves with that of its GPUs, they are in it after all.
"""

import msgspec

_EXCEEDED_TIMES = 3
_FOLLOWED_TIMES = 5
_LEAST_STEP = 0.25  # of the node's power: smaller changes may be those of the processors
_LEAST_STEP_WATTS = 20.0
_FOLLOWS = 0.9  # a supply adds to it what it loses, and the processors work at the same time


class SeparateGpus(msgspec.Struct):
    """What was seen of one source; `holds` is whether its GPUs are to be added to it."""

    holds: bool = False
    exceeded: int = 0
    followed: int = 0
    watts: tuple[float, float] | None = None

    def observe(self, node_watts: float, gpu_watts: float) -> None:
        """Take in the mean power of an interval."""
        before, self.watts = self.watts, (node_watts, gpu_watts)
        self.exceeded = self.exceeded + 1 if gpu_watts > node_watts else 0
        if self.exceeded:
            self.followed = 0
        elif self.holds and before is not None:
            self._follow(node_watts - before[0], gpu_watts - before[1], node_watts)
        if self.exceeded >= _EXCEEDED_TIMES:
            self.holds = True
        elif self.followed >= _FOLLOWED_TIMES:
            self.holds, self.followed = False, 0

    def _follow(self, node_step: float, gpu_step: float, node_watts: float) -> None:
        """Count whether the node's power has moved with that of its GPUs."""
        if abs(gpu_step) >= max(_LEAST_STEP * node_watts, _LEAST_STEP_WATTS):
            self.followed = self.followed + 1 if node_step / gpu_step >= _FOLLOWS else 0
