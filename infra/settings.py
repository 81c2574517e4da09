"""A stack's settings, typed: read from Pulumi's configuration and refused before anything is created.

The keys are `lookout:target`, `lookout:nodePools`, `lookout:gitops`, `lookout:registry`, `lookout:monitoring` and one
section named after the target. Pulumi.<target>.example.yaml shows each. The SLO is none of them: alerts need a bucket
of the service's histogram at its bound, so it stands in lookout/contract.py, from which everything takes it.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from infra.node.spec import NodeSpec
from infra.pools import Gpu, NodePool, Strict
from infra.validation import explain
from lookout import contract
from lookout.errors import LookoutError

PROJECT: Final = "lookout"
"""Name of the Pulumi project, and so the prefix of its configuration keys."""

API_TOKENS: Final = "apiTokens"

Target = Literal["local", "kind", "existing", "gke", "eks", "aks"]
ClusterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,37}[a-z0-9]$")]
Image = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*(:\d{1,5})?(/[a-z0-9._-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$")
]
Text = Annotated[str, Field(min_length=1)]


def _token(value: SecretStr) -> SecretStr:
    """What the service takes as a token. The message leaves out what was given: it may be one but for a blank."""
    text = value.get_secret_value()
    if len(text) < contract.API_TOKEN_SHORTEST or not text.isascii() or any(sign.isspace() for sign in text):
        raise ValueError(f"must be {contract.API_TOKEN_SHORTEST} or more ASCII characters without spaces")
    return value


ApiToken = Annotated[SecretStr, AfterValidator(_token)]
Section = TypeVar("Section", bound=Strict)


class Local(NodeSpec):
    """The embedded node, as the settings spell it: NodeSpec in camelCase."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Kind(Strict):
    """A cluster in containers of a Docker daemon, by the `kind` program."""

    name: ClusterName = "lookout"
    image: str = "kindest/node:v1.34.0"


class Existing(Strict):
    """A cluster somebody else owns."""

    kubeconfig: Text = "~/.kube/config"
    context: Text | None = None
    """The kubeconfig's current context when absent."""


class Gke(Strict):
    """Where on Google Cloud."""

    project: Text
    region: Text
    name: ClusterName = "lookout"
    release_channel: Literal["RAPID", "REGULAR", "STABLE"] = "REGULAR"


class Eks(Strict):
    """Where on AWS."""

    region: Text
    name: ClusterName = "lookout"
    version: Annotated[str, Field(pattern=r"^1\.\d{2}$")] = "1.34"


class Aks(Strict):
    """Where on Azure."""

    location: Text
    name: ClusterName = "lookout"
    version: Annotated[str, Field(pattern=r"^1\.\d{2}(\.\d+)?$")] = "1.34"


class GitOps(Strict):
    """The configuration repository that Argo CD reads. On target local it is the node's own unless set."""

    repository: Annotated[str, Field(pattern=r"^(https?://|ssh://|git@)\S+$")] | None = None
    revision: Text = contract.GIT_BRANCH


class Monitoring(Strict):
    """Images of Prometheus and of its adapter, where the cluster can pull them. Target local has its own."""

    prometheus_image: Image
    """One whose entry point is the server, such as its publisher's."""
    metrics_adapter_image: Image
    """Ours, for it holds `serving-certificate` too: `lookout monitoring push` puts both into a registry."""


_DEFAULT_POOLS: Final = (
    NodePool(name="cpu", machine_type="this-machine"),
    NodePool(name="gpu", machine_type="simulated", min=2, max=4, gpu=Gpu(type="nvidia-l4", count=1)),
)


class Settings(Strict):
    """Everything a stack can be told."""

    target: Target = "local"
    node_pools: tuple[NodePool, ...] = _DEFAULT_POOLS
    gitops: GitOps = GitOps()
    registry: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*(:\d{1,5})?(/[a-z0-9._/-]+)?$")] | None = None
    monitoring: Monitoring | None = None
    api_tokens: Annotated[tuple[ApiToken, ...], Field(min_length=1)] | None = None
    """Bearer tokens of every environment's API; without, it is open to whoever reaches it. Encrypted in the stack's
    file, so only the running program knows them."""
    local: Local | None = None
    kind: Kind | None = None
    existing: Existing | None = None
    gke: Gke | None = None
    eks: Eks | None = None
    aks: Aks | None = None

    @model_validator(mode="after")
    def _fits_its_target(self) -> Self:
        for section in ("local", "kind", "existing", "gke", "eks", "aks"):
            if section != self.target and getattr(self, section) is not None:
                raise ValueError(f"section {section} does not belong to target {self.target}: remove it")
        if self.target in ("gke", "eks", "aks") and getattr(self, self.target) is None:
            raise ValueError(f"target {self.target} needs its section {PROJECT}:{self.target}")
        if self.target != "local":
            for key, value in (("gitops.repository", self.gitops.repository), ("registry", self.registry)):
                if value is None:
                    raise ValueError(f"target {self.target} needs {PROJECT}:{key}: it cannot reach this machine's own")
        self._check_pools()
        return self

    @property
    def node(self) -> NodeSpec:
        """The embedded node of target local."""
        return self.local or Local()

    @property
    def required_repository(self) -> str:
        """The configuration repository of a target that has none of its own."""
        return self._given("gitops.repository", self.gitops.repository)

    @property
    def required_registry(self) -> str:
        """The registry of a target that has none of its own."""
        return self._given("registry", self.registry)

    def section(self, kind: type[Section]) -> Section:
        """The target's own section. LookoutError when the settings are of another target."""
        section = getattr(self, self.target)
        if not isinstance(section, kind):
            raise LookoutError(f"target {self.target} needs its section {PROJECT}:{self.target}")
        return section

    def _given(self, key: str, value: str | None) -> str:
        if value is None:
            raise LookoutError(f"target {self.target} needs {PROJECT}:{key}", "set it in the stack's file")
        return value

    def _check_pools(self) -> None:
        names = [pool.name for pool in self.node_pools]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two node pools are named {twice[0]}: give each a name of its own")
        if not any(pool.takes_any_pod and pool.min > 0 for pool in self.node_pools):
            raise ValueError("no node pool takes pods without tolerations: add one with min 1, no gpu and no taints")
        if self.target == "local":
            real = [pool for pool in self.node_pools if pool.gpu is None]
            if len(real) > 1:
                raise ValueError(f"target local is one machine: {real[1].name} would be a second node pool without gpu")
            if real and real[0].taints:
                raise ValueError(f"node pool {real[0].name} is this machine itself on target local: remove its taints")
            nodes = 1 + self.node.workers + sum(pool.min for pool in self.node_pools if pool.gpu)
            room = 2 ** (24 - self.node.pod_cidr.prefixlen)
            if self.node.workers and nodes > room:
                raise ValueError(
                    f"local.podCidr has room for {room} nodes of a /24 each, simulated ones too: not {nodes}"
                )
        if self.target == "gke":
            # https://cloud.google.com/compute/docs/gpus lists no machine with it.
            odd = [pool.name for pool in self.node_pools if pool.gpu and pool.gpu.type == "nvidia-a10g"]
            if odd:
                raise ValueError(f"node pool {odd[0]}: GKE has no nvidia-a10g; its nearest is nvidia-l4")
        if self.target == "kind":
            odd = [pool.name for pool in self.node_pools if pool.gpu]
            if odd:
                raise ValueError(f"node pool {odd[0]}: target kind has no GPUs; target local simulates them")
        if self.target == "aks":
            # https://learn.microsoft.com/azure/aks/create-node-pools#limitations
            odd = [name for name in names if len(name) > 12 or not name.isalnum()]
            if odd:
                raise ValueError(f"node pool {odd[0]}: AKS takes names of at most 12 letters and digits")
            # https://learn.microsoft.com/azure/aks/spot-node-pool#limitations
            if not any(pool.takes_any_pod and pool.min > 0 and not pool.spot for pool in self.node_pools):
                raise ValueError("AKS lets no spot pool be the system pool: add one with min 1, no gpu, spot or taints")


def parse(values: Mapping[str, Any], source: str = "settings") -> Settings:
    """Settings from the keys without their prefix. LookoutError names every field that is wrong, one line each."""
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        lines = explain(error, Settings, prefix=f"{PROJECT}:")
        raise LookoutError("\n".join(f"{source}: {line}" for line in lines), f"mend {source} and run again") from error


def from_pulumi() -> Settings:
    """Settings of the running stack."""
    import pulumi

    config = pulumi.runtime.get_config_env()
    mine = {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    file = f"Pulumi.{pulumi.get_stack()}.yaml"
    if API_TOKENS in mine and not pulumi.runtime.is_config_secret(f"{PROJECT}:{API_TOKENS}"):
        raise unencrypted(file)
    return parse(decode(mine), file)


def unencrypted(file: str) -> LookoutError:
    """The refusal of tokens that stand in a stack's file for everybody to read."""
    return LookoutError(
        f"{file}: {PROJECT}:{API_TOKENS}: is not encrypted",
        "take it out, make new tokens, and set each with: "
        f"pulumi config set --path '{PROJECT}:{API_TOKENS}[0]' --secret",
    )


def decode(values: Mapping[str, str]) -> dict[str, Any]:
    """Pulumi hands lists and objects over as JSON, and scalars as plain text."""
    return {key: _json(value) if value[:1] in ("{", "[") else value for key, value in values.items()}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
