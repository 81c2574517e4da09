"""`lookout monitoring`: what a cluster elsewhere needs to be monitored, and the rules that follow from the SLO."""

import sys
from typing import Annotated

import typer

from gitops import alert_rules
from infra.node import images
from lookout import contract, oci
from lookout.steps import Steps

app = typer.Typer(no_args_is_help=True, help="Prometheus and its adapter: images for a cluster elsewhere, and rules.")


@app.command()
def push(
    registry: Annotated[str, typer.Argument(help="HOST[:PORT], perhaps with a path, that the cluster pulls from.")],
) -> None:
    """Push both images and print the stack's settings that name them. The local node has them without.

    Needs root, and `skopeo login` for a registry elsewhere.
    """
    steps = Steps("monitoring-push")
    pushed = {}
    with steps.step("Images") as step:
        made = images.monitoring_images(step.detail)
    with steps.step("Push") as step:
        for name, image in made.items():
            repository = f"{registry}/{name}"
            pushed[name] = f"{repository}@{oci.push(image, repository, step.detail)}"
    print("  lookout:monitoring:")
    print(f"    prometheusImage: {pushed[contract.PROMETHEUS]}")
    print(f"    metricsAdapterImage: {pushed[contract.METRICS_ADAPTER]}")


@app.command()
def rules() -> None:
    """Print Prometheus' rules as they follow from the SLO in lookout/contract.py."""
    sys.stdout.write(alert_rules.render())
