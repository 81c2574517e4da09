"""Target existing: a cluster somebody else owns. Its pools are described, not made, and nothing but ours is removed."""

from pathlib import Path
from typing import Any

import pulumi
import yaml

from infra.clusters.cluster import Cluster, elsewhere
from infra.settings import Existing, Settings
from lookout.errors import LookoutError


def provision(settings: Settings) -> Cluster:
    """The cluster behind a kubeconfig, as it stands."""
    section = settings.existing or Existing()
    text, server = _access(section)
    return elsewhere(settings, pulumi.Output.secret(text), server, context=section.context)


def _access(section: Existing) -> tuple[str, str]:
    file = Path(section.kubeconfig).expanduser()
    try:
        text = file.read_text()
        document: dict[str, Any] = yaml.safe_load(text)
        contexts = {entry["name"]: entry["context"] for entry in document["contexts"]}
        clusters = {entry["name"]: entry["cluster"] for entry in document["clusters"]}
        wanted = section.context or document.get("current-context")
    except FileNotFoundError as error:
        raise LookoutError(f"lookout:existing.kubeconfig: there is no file {file}", "name your kubeconfig") from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LookoutError(f"lookout:existing.kubeconfig: {file} is not a kubeconfig", "name another file") from error
    if wanted not in contexts or contexts[wanted].get("cluster") not in clusters:
        known = ", ".join(sorted(contexts)) or "none"
        raise LookoutError(f"lookout:existing.context: {file} has no context {wanted}; it has: {known}", "choose one")
    return text, str(clusters[contexts[wanted]["cluster"]]["server"])
