"""What is simulated: a service, how its pods come and go, and how its autoscaler decides. Data only.

Everything made from it is a what-if: it may suggest what to measure, it never becomes a setting or evidence.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.settings import Settings

Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Balancing = Literal["random", "least-loaded", "round-robin"]

WHAT_IF: Final = "what-if (simulated): no request was sent, no pod was started"
METRIC_WINDOW_S: Final = 10.0
"""The autoscaler's metric is a pod's mean over this time (gitops/config/detector/envs/prod/scaling.yaml)."""


_DEFAULTS: Final = Settings()
"""The service's own."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(_Frozen):
    """One pod: `workers` take requests from one queue, first come, first served."""

    worker_s: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=2)]
    """Evenly spaced quantiles of the time a request holds a worker, from the smallest to the largest."""
    overhead_s: Seconds = 0.0
    """Added to each answer without holding a worker: network, reading and writing."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    queue: Count = _DEFAULTS.queue
    """Requests that wait beside those being worked on; above that one is refused at once."""
    queue_deadline_s: Annotated[float, Field(gt=0, le=86_400)] = _DEFAULTS.queue_deadline_s
    """What would wait longer, by the mean service time, is refused at once, and what did is given up (decision 15)."""

    @property
    def mean_s(self) -> float:
        """Mean time that a request holds a worker."""
        inner = sum(self.worker_s) - (self.worker_s[0] + self.worker_s[-1]) / 2
        return inner / (len(self.worker_s) - 1)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if any(a > b for a, b in zip(self.worker_s, self.worker_s[1:], strict=False)):
            raise ValueError("quantiles ascend")
        if self.worker_s[-1] <= 0:
            raise ValueError("a request takes some time")
        return self


class Policy(_Frozen):
    """How much an autoscaler may change in a period."""

    kind: Literal["Pods", "Percent"]
    value: Annotated[int, Field(ge=1)]
    period_s: Annotated[float, Field(gt=0, le=1800)] = 15.0


class Behaviour(_Frozen):
    """One direction of the autoscaler; of several policies the one that allows most holds (selectPolicy Max)."""

    stabilization_s: Seconds
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)]


class Autoscaling(_Frozen):
    """A HorizontalPodAutoscaler on requests in flight; `least` equal to `most` is a fixed number."""

    least: Annotated[int, Field(ge=1)]
    most: Annotated[int, Field(ge=1)]
    target_in_flight: Annotated[float, Field(gt=0)]
    """Mean requests in flight a pod."""
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """kube-controller-manager's default, --horizontal-pod-autoscaler-tolerance."""
    sync_s: Annotated[float, Field(gt=0)] = 15.0
    """Its default too, --horizontal-pod-autoscaler-sync-period."""
    metric_delay_s: Seconds = 5.0
    """Age of the newest metric when it is read: scrape interval and what the adapter holds back."""
    up: Behaviour = Behaviour(
        stabilization_s=0, policies=(Policy(kind="Percent", value=100), Policy(kind="Pods", value=2))
    )
    """As in gitops/config/detector/components/autoscaler; a test in tests/contract holds the two together."""
    down: Behaviour = Behaviour(stabilization_s=60, policies=(Policy(kind="Pods", value=1),))

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.most < self.least:
            raise ValueError(f"the most replicas ({self.most}) are fewer than the least ({self.least})")
        return self


class Pool(_Frozen):
    """Where pods run."""

    pod_start_s: Seconds
    """From being scheduled to being ready."""
    pods_per_node: Annotated[int, Field(ge=1)] = 1_000_000
    nodes: Annotated[int, Field(ge=0)] = 1
    """There at the start."""
    most_nodes: Annotated[int, Field(ge=1)] = 1
    node_start_s: Seconds = 0.0
    """From being asked for to taking pods."""
    cores_per_node: Annotated[float, Field(gt=0)] | None = None
    """What a node's pods have to share when more workers are busy than that; None where each has a core of its own."""


class Plan(_Frozen):
    """One simulation, except for its arrivals."""

    service: Service
    autoscaling: Autoscaling
    pool: Pool
    balancing: Balancing = "random"
    """How the Service picks a pod for each request; connections that stay are not modelled."""
    bound_s: Annotated[float, Field(gt=0)]
    """An answer within this time is good."""
    duration_s: Annotated[float, Field(gt=0, le=86_400)]
    seed: Annotated[int, Field(ge=0)] = 1
