"""What the local cluster is made of: its control-plane node, address ranges, doors on loopback, number of workers."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Final, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookout import contract, paths

Port = Annotated[int, Field(ge=1, le=65535)]

MOST_WORKERS: Final = 2
"""Each is a node of its own on the same processors: more would show nothing that two do not."""


class Node(Protocol):
    """What every node of the cluster has, the control plane's and a worker's alike."""

    @property
    def name(self) -> str:
        """Unique on this machine: control groups and network namespace are called after it."""

    @property
    def directory(self) -> Path:
        """Everything the node keeps on disk."""


class Doors(BaseModel):
    """Ports on 127.0.0.1 that lead into the node, each movable when it is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prod: Port = contract.DOORS["prod"]
    staging: Port = contract.DOORS["staging"]
    dev: Port = contract.DOORS["dev"]
    git: Port = contract.DOORS["git"]
    registry: Port = contract.DOORS["registry"]
    prometheus: Port = contract.DOORS["prometheus"]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        ports = list(self.model_dump().values())
        twice = sorted({port for port in ports if ports.count(port) > 1})
        if twice:
            raise ValueError(f"two doors on port {twice[0]}: give each a port of its own")
        return self


class NodeSpec(BaseModel):
    """A local cluster by its control-plane node. Two live side by side when names, ranges and doors all differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,8}[a-z0-9]$")] = "lookout"
    """At most ten characters: interface names end at fifteen."""
    link_cidr: IPv4Network = IPv4Network("10.231.0.0/30")
    """The veth pair: the first address is the host's, the second the node's."""
    pod_cidr: IPv4Network = IPv4Network("10.232.0.0/16")
    service_cidr: IPv4Network = IPv4Network("10.233.0.0/16")
    doors: Doors = Doors()
    workers: Annotated[int, Field(ge=0, le=MOST_WORKERS)] = 0
    """Nodes beside the control plane's, as infra.node.worker_spec describes them."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.link_cidr.prefixlen != 30:
            raise ValueError(f"link_cidr {self.link_cidr} must be a /30: two ends of one cable")
        if not 12 <= self.service_cidr.prefixlen <= 24:
            raise ValueError(f"service_cidr {self.service_cidr} must be between a /12 and a /24")
        if self.pod_cidr.prefixlen > 24:
            raise ValueError(f"pod_cidr {self.pod_cidr} must be a /24 or wider: one node takes 256 addresses")
        ranges = {"link_cidr": self.link_cidr, "pod_cidr": self.pod_cidr, "service_cidr": self.service_cidr}
        names = list(ranges)
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                if ranges[first].overlaps(ranges[second]):
                    raise ValueError(f"{first} {ranges[first]} overlaps {second} {ranges[second]}")
        return self

    @property
    def worker_cables(self) -> list[IPv4Network]:
        """The /30 of each possible worker's cable: the neighbours of `link_cidr` in its /28.

        The other ranges are a /24 at least, so they hold the whole /28 or nothing of it: they overlap no cable either.
        """
        neighbours = self.link_cidr.supernet(new_prefix=28).subnets(new_prefix=30)
        return [network for network in neighbours if network != self.link_cidr][:MOST_WORKERS]

    @property
    def host_address(self) -> IPv4Address:
        """The host's end of the cable."""
        return self.link_cidr[1]

    @property
    def address(self) -> IPv4Address:
        """The node's end of the cable: API server, git server for pods."""
        return self.link_cidr[2]

    @property
    def dns_address(self) -> IPv4Address:
        """CoreDNS's ClusterIP: kubeadm takes the tenth address of the service range."""
        return self.service_cidr[10]

    @property
    def api_url(self) -> str:
        """The API server, reachable from this machine and from pods."""
        return f"https://{self.address}:6443"

    @property
    def git_url_in_cluster(self) -> str:
        """The configuration repository as Argo CD reads it (reading only)."""
        return f"http://{self.address}:{contract.DOORS['git']}/{contract.GIT_REPOSITORY}"

    @property
    def git_url(self) -> str:
        """The configuration repository through its door on loopback, where pushes are taken."""
        return f"http://127.0.0.1:{self.doors.git}/{contract.GIT_REPOSITORY}"

    @property
    def registry(self) -> str:
        """The registry through its door on loopback, where images are pushed."""
        return f"127.0.0.1:{self.doors.registry}"

    @property
    def directory(self) -> Path:
        """Everything the node keeps on disk."""
        return paths.state_dir() / "nodes" / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig (mode 0600), present while the node exists."""
        return self.directory / "kubeconfig"
