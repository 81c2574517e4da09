"""The node's network: its namespace, its cable to the host, the routes to pods and services, the doors' sockets.

A worker's cable ends in the control-plane node's namespace, not on the host: so the host forwards nothing, its firewall
and its kernel settings stay as they are, and all workers go with the control-plane node's namespace.
"""

import ipaddress
import json
import socket
import subprocess
from collections.abc import Collection
from ipaddress import IPv4Network
from pathlib import Path

from infra.node.spec import Node, NodeSpec
from infra.node.worker_spec import WorkerSpec
from lookout.errors import LookoutError
from lookout.process import run


def netns(node: Node) -> str:
    """Name of a node's network namespace."""
    return f"lookout-{node.name}"


def netns_path(node: Node) -> Path:
    """The file that names a node's network namespace, whether it is there or not."""
    return Path("/run/netns") / netns(node)


def veth(spec: NodeSpec) -> str:
    """Name of the host's end of the cable."""
    return f"lk-{spec.name}"


def refuse_taken_ranges(spec: NodeSpec) -> None:
    """LookoutError when a route of this machine, other than the node's own, overlaps the node's ranges."""
    wanted = (spec.link_cidr, spec.pod_cidr, spec.service_cidr)
    taken = set()
    for route in json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]"):
        destination = route.get("dst", "default")
        if destination == "default" or route.get("dev") == veth(spec) or route.get("type") == "broadcast":
            continue
        network = ipaddress.IPv4Network(destination, strict=False)
        if network.prefixlen <= 1:  # a VPN's halves of the default route
            continue
        taken |= {f"{mine} overlaps route {network} on {route.get('dev')}" for mine in wanted if mine.overlaps(network)}
    if taken:
        raise LookoutError(
            f"address ranges are taken: {'; '.join(sorted(taken))}",
            "choose others: lookout:local.linkCidr, podCidr, serviceCidr in Pulumi.local.yaml",
        )


def open_doors(spec: NodeSpec, *, held: Collection[int] = ()) -> dict[str, socket.socket]:
    """Listening sockets on loopback, one a door; the node inherits them. LookoutError names every port in use.

    Ports in `held` are left out: the running node holds them itself.
    """
    doors: dict[str, socket.socket] = {}
    taken = []
    for name, port in spec.doors.model_dump().items():
        if port in held:
            continue
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(1024)
        except OSError as error:
            taken.append(f"{port} ({name}: {error.strerror})")
            listener.close()
            continue
        doors[name] = listener
    if taken:
        for listener in doors.values():
            listener.close()
        raise LookoutError(
            f"ports on 127.0.0.1 cannot be opened: {', '.join(taken)}",
            "free them, or move the doors: lookout:local.doors in Pulumi.local.yaml",
        )
    return doors


def connect(spec: NodeSpec) -> None:
    """Make the network namespace, the cable and the routes to pods and services; what is there already stays."""
    if not netns_path(spec).exists():
        run(["ip", "netns", "add", netns(spec)])
    inside = ["ip", "-n", netns(spec)]
    if not Path(f"/sys/class/net/{veth(spec)}").exists():
        run(["ip", "link", "add", veth(spec), "type", "veth", "peer", "name", "eth0", "netns", netns(spec)])
    run(["ip", "address", "replace", f"{spec.host_address}/30", "dev", veth(spec)])
    run(["ip", "link", "set", veth(spec), "up"])
    run([*inside, "address", "replace", f"{spec.address}/30", "dev", "eth0"])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "link", "set", "eth0", "up"])
    # kubeadm and kube-proxy ask for a default route. It leads to the host, which has no way back into the node's
    # ranges for strangers and translates no address, so nothing comes of it.
    run([*inside, "route", "replace", "default", "via", str(spec.host_address)])
    for cidr in (spec.pod_cidr, spec.service_cidr):
        run(["ip", "route", "replace", str(cidr), "via", str(spec.address)])


def connect_worker(worker: WorkerSpec) -> None:
    """Make a worker's namespace and its cable to the control-plane node, as `connect` does for that node."""
    if not netns_path(worker).exists():
        run(["ip", "netns", "add", netns(worker)])
    outside, inside = ["ip", "-n", netns(worker.cluster)], ["ip", "-n", netns(worker)]
    if not _is_plugged(worker):
        run([*outside, "link", "add", worker.plug, "type", "veth", "peer", "name", "eth0", "netns", netns(worker)])
    run([*outside, "address", "replace", f"{worker.gateway}/30", "dev", worker.plug])
    run([*outside, "link", "set", worker.plug, "up"])
    run([*inside, "address", "replace", f"{worker.address}/30", "dev", "eth0"])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "link", "set", "eth0", "up"])
    run([*inside, "route", "replace", "default", "via", str(worker.gateway)])


def route_pods(worker: WorkerSpec, pods: IPv4Network) -> None:
    """Lead packets for a worker's pods to the worker; those of other nodes' pods find the way by its default route."""
    run(["ip", "-n", netns(worker.cluster), "route", "replace", str(pods), "via", str(worker.address)])


def cut(worker: WorkerSpec) -> None:
    """Pull a worker's plug: from now on nothing leaves it, as when a machine loses power."""
    if netns_path(worker).exists() and _is_plugged(worker):
        run(["ip", "-n", netns(worker), "link", "set", "eth0", "down"])


def disconnect(spec: NodeSpec) -> None:
    """Remove cable, routes (they go with it) and network namespace."""
    if Path(f"/sys/class/net/{veth(spec)}").exists():
        run(["ip", "link", "delete", veth(spec)])
    _remove_namespace(spec)


def disconnect_worker(worker: WorkerSpec) -> None:
    """Remove a worker's cable, the route to its pods and its network namespace."""
    if _is_plugged(worker):
        run(["ip", "-n", netns(worker.cluster), "link", "delete", worker.plug])
    _remove_namespace(worker)


def _remove_namespace(node: Node) -> None:
    path = netns_path(node)
    if path.exists():
        run(["ip", "netns", "delete", netns(node)])
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        # `ip netns add` made it a mount of its own, and leaves that behind.
        subprocess.run(["umount", str(path.parent)], check=False, capture_output=True)


def _is_plugged(worker: WorkerSpec) -> bool:
    if not netns_path(worker.cluster).exists():
        return False
    links = json.loads(run(["ip", "-n", netns(worker.cluster), "-json", "link", "show"]) or "[]")
    return any(link.get("ifname") == worker.plug for link in links)
