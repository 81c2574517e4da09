"""`lookout logs ENV`: what an environment's pods say, and what Kubernetes says where they say nothing."""

import os
import subprocess
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from gitops.cluster import Cluster, Object
from gitops.diagnosis import pod_status
from gitops.promote import check_environment
from gitops.wait import event_line
from lookout import contract, tools
from lookout.errors import LookoutError, UsageError

_EVENTS = 8
_MAX_PODS = 50

app = typer.Typer(rich_markup_mode=None)


# The root mounts a group; its callback is the command, and options may follow the environment.
@app.callback(invoke_without_command=True, context_settings={"allow_interspersed_args": True})
def logs(
    environment: Annotated[str, typer.Argument(help=f"One of {', '.join(contract.ENVIRONMENTS)}.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing what comes, until Ctrl-C.")] = False,
    tail: Annotated[int, typer.Option("--tail", help="Last lines of each pod; -1 for all.")] = 100,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="The container before the last restart.")] = False,
    pod: Annotated[str | None, typer.Option("--pod", help="One pod only.")] = None,
    kubeconfig: Annotated[
        str | None, typer.Option("--kubeconfig", help="Default: $KUBECONFIG, else the local node's.")
    ] = None,
) -> None:
    """Show what an environment's pods say, each line with its pod's name.

    Pods that are not ready, and why, go to standard error, with the last warnings of Kubernetes.
    """
    if tail < -1:
        raise UsageError(f"--tail {tail} is no number of lines", "0 or more, or -1 for all")
    if follow and previous:
        raise UsageError("--follow and --previous exclude each other", "a container that has ended says nothing more")
    check_environment(environment)
    cluster = Cluster(kubeconfig)
    chosen = choose(cluster.pods(environment), environment, pod, previous=previous)
    troubles = [f"{state.name}: {state.problem}" for state in map(pod_status, chosen) if state.problem]
    if troubles:
        warnings = [event_line(event) for event in cluster.warnings(environment)[-_EVENTS:]]
        Console(stderr=True, highlight=False).print("\n".join([*troubles, *warnings]), style="yellow", markup=False)
    speaking = [item["metadata"]["name"] for item in chosen if _has_spoken(item)]
    if not speaking:
        raise LookoutError(f"no container of {environment} has started yet", "lookout release status")
    raise typer.Exit(_print(cluster.kubeconfig, environment, speaking, follow=follow, tail=tail, previous=previous))


def choose(pods: tuple[Object, ...], environment: str, name: str | None, *, previous: bool) -> list[Object]:
    """The pods to show. LookoutError when there is none, no such one, or none that was restarted."""
    if not pods:
        raise LookoutError(f"{environment} has no pods", "is it released and synced? lookout release status")
    chosen = [pod for pod in pods if name in (None, pod["metadata"]["name"])]
    if not chosen:
        names = ", ".join(pod["metadata"]["name"] for pod in pods)
        raise UsageError(f"{environment} has no pod {name}", f"one of {names}")
    if previous:
        chosen = [pod for pod in chosen if pod_status(pod).restarts]
        if not chosen:
            raise LookoutError(f"no container of {environment} was restarted: there is no previous one")
    return chosen


def _has_spoken(pod: Object) -> bool:
    containers = pod.get("status", {}).get("containerStatuses", ())
    return any("waiting" not in c.get("state", {}) or c.get("restartCount") for c in containers)


def _print(kubeconfig: str, environment: str, pods: list[str], *, follow: bool, tail: int, previous: bool) -> int:
    """kubectl merges and prefixes the streams of one pod or of all; its exit code."""
    base = [str(tools.tool("kubectl")), "--namespace", contract.namespace(environment)]
    base += ["logs", "--container", contract.DETECTOR, "--prefix", f"--tail={tail}"]
    base += ["--follow"] * follow + ["--previous"] * previous
    # Its option --kubeconfig takes one file, the variable a list of them.
    run = partial(subprocess.run, check=False, env={**os.environ, "KUBECONFIG": kubeconfig})
    if len(pods) == 1:
        return run([*base, pods[0]]).returncode
    if follow:
        selector = ["--selector", f"app.kubernetes.io/name={contract.DETECTOR}"]
        return run([*base, *selector, f"--max-log-requests={_MAX_PODS}"]).returncode
    return max(run([*base, pod]).returncode for pod in pods)
