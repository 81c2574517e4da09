"""haproxy's configuration: where the doors on loopback lead, and the one way that workers have to the registry."""

from collections.abc import Mapping
from typing import Final

from infra.node import worker_spec
from infra.node.inside import GIT_PORT, REGISTRY_PORT
from infra.node.spec import NodeSpec
from lookout import contract

_GIVE_UP_AFTER: Final = "3s"
"""TCP's user timeout: bytes that a machine without power does not confirm end the connection after this time, so that
whoever asked learns of it; without it both would wait for the client's own timeout."""


def configuration(spec: NodeSpec, doors: Mapping[str, int]) -> str:
    """Each door forwards bytes; names are resolved by the cluster's DNS, so a door opens once its Service exists."""
    targets = {"git": f"127.0.0.1:{GIT_PORT}", "registry": f"127.0.0.1:{REGISTRY_PORT}"}
    suffix = "resolvers cluster init-addr none"
    for environment in contract.ENVIRONMENTS:
        address = f"{contract.service_host(environment)}:{contract.SERVICE_PORT}"
        targets[environment] = f"{address} {suffix} resolve-opts allow-dup-ip tcp-ut {_GIVE_UP_AFTER}"
    host = f"{contract.PROMETHEUS}.{contract.MONITORING_NAMESPACE}.svc.cluster.local"
    targets["prometheus"] = f"{host}:{contract.PROMETHEUS_PORT} {suffix}"
    # Git and registry take writes without a password, and Prometheus tells all it knows: users of this machine are
    # trusted. A web page in a browser here is not; its Host header gives it away (DNS rebinding).
    from_here = r"{ req.hdr(host) -m reg ^(127\.0\.0\.1|localhost)(:[0-9]+)?$ }"
    guard = f"  mode http\n  http-request deny unless {from_here}\n"
    sections = [
        f"listen {name}\n  bind fd@{descriptor}\n{'' if name in contract.ENVIRONMENTS else guard}"
        + "".join(f"  server {name}-{number} {targets[name]}\n" for number in _tries(name))
        for name, descriptor in doors.items()
    ]
    return (
        "global\n  nbthread 1\n  maxconn 4096\n"
        # A pod on a node that just died answers nothing; the next try of the Service's address may get another pod.
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\n"
        "  retries 10\n  option redispatch 1\n"
        "resolvers cluster\n  parse-resolv-conf\n  hold valid 2s\n  hold nx 1s\n  hold timeout 2s\n"
        "  resolve_retries 2\n  timeout resolve 1s\n  timeout retry 1s\n"
        + "".join(sections)
        + _registry_for_workers(spec)
    )


def _tries(door: str) -> tuple[int, ...]:
    """An environment's Service stands in its door twice: haproxy waits a second before it tries the same server again,
    and not at all before it tries another; each try of the Service's one address may reach another pod."""
    return (1, 2) if door in contract.ENVIRONMENTS else (1,)


def _registry_for_workers(spec: NodeSpec) -> str:
    """Workers' containerd reads the registry on the node's address; nobody writes there, and pods do not even read."""
    workers = " ".join(str(worker.address) for worker in worker_spec.possible(spec))
    return (
        f"listen registry-for-workers\n  mode http\n  bind {spec.address}:{REGISTRY_PORT}\n"
        f"  http-request deny unless {{ method GET HEAD }} {{ src {workers} }}\n"
        f"  server registry 127.0.0.1:{REGISTRY_PORT}\n"
    )
