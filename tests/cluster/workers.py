"""The road's worker: asked for, looked at, and gone without a trace."""

import json
import subprocess
from typing import Any, Final

from tests.cluster.road import NAME, Road
from tests.cluster.traces import traces

WORKER: Final = f"{NAME}-worker-1"


def set_workers(road: Road, count: int) -> None:
    """Change the stack's settings and run plain `pulumi up`, its preview included where there is more to come."""
    road.write_settings(workers=count)
    done = road.pulumi("up", "--yes", *(() if count else ("--skip-preview",)))
    assert done.returncode == 0, done.stdout + done.stderr


def workers(road: Road) -> list[dict[str, Any]]:
    """What `lookout node status` says of the workers."""
    found: list[dict[str, Any]] = json.loads(road.lookout("node", "status", "--json").stdout)["workers"]
    return found


def assert_no_worker(road: Road) -> None:
    """Neither in the cluster nor on the machine."""
    assert workers(road) == []
    assert WORKER not in road.kubectl("get", "nodes", "--output=name")
    assert WORKER not in road.kubectl("get", "pods", "--all-namespaces", "--output=wide")
    left = traces(road.state, WORKER)
    for what in ("mounts", "network namespaces", "interfaces", "routes", "control groups"):
        assert left[what] == [], what
    assert not any(WORKER in process for process in left["processes"])
    links = subprocess.run(
        ["ip", "-n", f"lookout-{NAME}", "-o", "link"], check=True, capture_output=True, text=True
    ).stdout
    assert "worker-" not in links
    assert not (road.kubeconfig.parent / "workers").exists()
