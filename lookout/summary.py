"""The table at the end of `lookout up`: where everything is, and what to try next."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from gitops.status import EnvironmentStatus
from infra.node.spec import NodeSpec
from lookout import contract, paths
from lookout.steps import Steps


def show(steps: Steps, spec: NodeSpec, environments: Sequence[EnvironmentStatus]) -> None:
    """Print it to standard output."""
    console = Console(highlight=False)
    console.print()
    console.print(_environments(spec, environments), soft_wrap=True)
    console.print()
    prod = f"http://127.0.0.1:{spec.doors.prod}"
    rows = {
        "model": ", ".join(sorted({state.pushed.model for state in environments if state.pushed})),
        "API": f"{prod}{contract.DETECT_PATH} (see /docs)",
        "push releases to": f"{spec.git_url} (cloned at {_short(paths.deploy_dir())})",
        "registry": spec.registry,
        "Prometheus": f"http://127.0.0.1:{spec.doors.prometheus} (alerts at /alerts)",
        "kubeconfig": str(spec.kubeconfig),
        "simulated": "GPU pools (KWOK): real scheduling, simulated nodes and pods",
        "log": str(steps.log),
    }
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table, soft_wrap=True)
    console.print("\nNext:")
    for command, why in {
        'eval "$(.venv/bin/lookout env)"': "plain pulumi, kubectl, lookout here",
        "lookout release status": "git beside the cluster",
        "lookout release promote dev staging --push": "a release by git push",
        "make load": "load prod and get a report",
        "make down": f"take it down; it came up in {steps.elapsed_s:.0f} s",
    }.items():
        console.print(f"  {command:<44} {why}", markup=False, soft_wrap=True)


def _environments(spec: NodeSpec, environments: Sequence[EnvironmentStatus]) -> Table:
    table = Table("environment", "page", "bento", "Argo CD", "pods", box=None, padding=(0, 1, 0, 0))
    ports = spec.doors.model_dump()
    for state in environments:
        table.add_row(
            state.environment,
            f"http://127.0.0.1:{ports[state.environment]}",
            state.pushed.bento if state.pushed else "-",
            f"{state.sync}, {state.health}",
            f"{state.replicas_ready}/{state.replicas_wanted}",
        )
    return table


def _short(path: object) -> str:
    return str(path).replace(f"{paths.PROJECT_ROOT}/", "")
