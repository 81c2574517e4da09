"""Pods and nodes over time: what is wanted, what is pending, what is ready. The newest pods go first."""

import bisect

from loadtest.simulation.plan import Pool


class Fleet:
    """Pods are numbered from 0 in the order they were scheduled; those ready are always the first `ready(t)`."""

    def __init__(self, pool: Pool, replicas: int) -> None:
        self._pool = pool
        self.wanted = replicas
        self.nodes = max(pool.nodes, 1)
        self._coming: list[float] = []
        room = self.nodes * pool.pods_per_node
        self._ready_at = [0.0] * min(replicas, room)

    def tick(self, now_s: float) -> None:
        """Let nodes arrive, schedule what has room, and order nodes for what has none."""
        arrived = [at for at in self._coming if at <= now_s]
        self._coming = [at for at in self._coming if at > now_s]
        self.nodes += len(arrived)
        del self._ready_at[self.wanted :]
        room = self.nodes * self._pool.pods_per_node
        for _ in range(min(self.wanted, room) - len(self._ready_at)):
            self._ready_at.append(now_s + self._pool.pod_start_s)
        promised = room + len(self._coming) * self._pool.pods_per_node
        short = self.wanted - promised
        more = min(-(-short // self._pool.pods_per_node), self._pool.most_nodes - self.nodes - len(self._coming))
        self._coming += [now_s + self._pool.node_start_s] * max(0, more)

    def ready(self, now_s: float) -> int:
        """Pods that take requests."""
        return bisect.bisect_right(self._ready_at, now_s)
