"""Node pools, described once and translated by each target: machines, GPUs, labels, taints and their tolerations."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from lookout import contract

GpuType = Literal[
    "nvidia-t4",
    "nvidia-l4",
    "nvidia-a10g",
    "nvidia-v100",
    "nvidia-a100-40gb",
    "nvidia-a100-80gb",
    "nvidia-h100-80gb",
]
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_NAME: Final = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
Key = Annotated[str, Field(pattern=rf"^([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}$")]
Value = Annotated[str, Field(pattern=rf"^({_NAME})?$")]

ZONE_LABEL: Final = "topology.kubernetes.io/zone"
_RESERVED: Final = (contract.POOL_LABEL, contract.GPU_LABEL, contract.SPOT_LABEL, contract.SIMULATED_KEY, ZONE_LABEL)


class Strict(BaseModel):
    """What every part of the settings is: immutable, camelCase in YAML, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Taint(Strict):
    """A taint of a pool's nodes, and the toleration that lets a pod onto them."""

    key: Key
    value: Value = ""
    effect: Effect = "NoSchedule"

    @property
    def manifest(self) -> dict[str, str]:
        """The taint as a Node's `spec.taints` has it."""
        return {"key": self.key, "value": self.value, "effect": self.effect}

    @property
    def toleration(self) -> dict[str, str]:
        """What a pod needs in `spec.tolerations` to pass this taint."""
        if not self.value:
            return {"key": self.key, "operator": "Exists", "effect": self.effect}
        return {"key": self.key, "operator": "Equal", "value": self.value, "effect": self.effect}


# GKE puts this very taint on its GPU nodes by itself, so the other targets follow:
# https://cloud.google.com/kubernetes-engine/docs/how-to/gpus#create
GPU_TAINT: Final = Taint(key=contract.GPU_TAINT_KEY, value="present")
SIMULATED_TAINT: Final = Taint(key=contract.SIMULATED_KEY, value=contract.SIMULATED_VALUE)


class Gpu(Strict):
    """The accelerators of one node."""

    type: GpuType
    count: Annotated[int, Field(ge=1, le=16)] = 1


class NodePool(Strict):
    """Machines of one kind, between `min` and `max` of them."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")]
    machine_type: Annotated[str, Field(min_length=1)]
    """The cloud's own name, for example g2-standard-4; on simulated nodes it is a label only."""
    min: Annotated[int, Field(ge=0, le=1000)] = 1
    max: Annotated[int, Field(ge=1, le=1000)] = 1
    gpu: Gpu | None = None
    spot: bool = False
    zones: tuple[str, ...] = ()
    """Spread over these zones; empty means where the target puts its nodes by itself."""
    labels: dict[Key, Value] = Field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    cpus: Annotated[int, Field(ge=1, le=512)] = 8
    """CPUs of one simulated node; elsewhere the machine type decides."""
    memory: Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi)$")] = "32Gi"
    """Memory of one simulated node; elsewhere the machine type decides."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max {self.max} is below min {self.min}")
        reserved = sorted(set(self.labels).intersection(_RESERVED))
        if reserved:
            raise ValueError(f"label {reserved[0]} is set by Lookout itself: remove it")
        keys = [(taint.key, taint.effect) for taint in self.all_taints]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(
                f"taint {twice[0][0]}:{twice[0][1]} is there twice (the GPU taint is set by Lookout itself)"
            )
        return self

    @property
    def all_taints(self) -> tuple[Taint, ...]:
        """The pool's own taints, and the GPU taint where there are GPUs."""
        return (*self.taints, GPU_TAINT) if self.gpu else self.taints

    @property
    def tolerations(self) -> list[dict[str, str]]:
        """What a pod needs to be scheduled here."""
        return [taint.toleration for taint in self.all_taints]

    @property
    def all_labels(self) -> dict[str, str]:
        """The labels of each node: the pool's own and those that Lookout selects by."""
        labels = {**self.labels, contract.POOL_LABEL: self.name, contract.SPOT_LABEL: str(self.spot).lower()}
        if self.gpu:
            labels[contract.GPU_LABEL] = self.gpu.type
        return dict(sorted(labels.items()))

    @property
    def takes_any_pod(self) -> bool:
        """Whether pods without tolerations may run here, as Argo CD and CoreDNS must somewhere."""
        return all(taint.effect == "PreferNoSchedule" for taint in self.all_taints)

    def summary(self, *, simulated: bool) -> dict[str, Any]:
        """The pool as a stack output shows it."""
        return {
            "name": self.name,
            "machineType": self.machine_type,
            "min": self.min,
            "max": self.max,
            "gpu": f"{self.gpu.count} x {self.gpu.type}" if self.gpu else "none",
            "spot": self.spot,
            "simulated": simulated,
        }
