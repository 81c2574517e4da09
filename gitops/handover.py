"""From fixed replicas to an autoscaler without a pod less.

Argo CD applies server-side: what leaves git goes back to its default, one replica, unless another manager of the object
holds it. So somebody holds the number before the push, until the autoscaler sets another. Kubernetes' documentation
takes the same way (Server-Side Apply, "Transferring ownership").
"""

from typing import Final

from gitops import scaling_file
from gitops.cluster import Cluster, UnreachableError
from gitops.repository import Repository
from lookout import contract
from lookout.errors import LookoutError

MANAGER: Final = "lookout-handover"
"""Owner of the number meanwhile, in the Deployment's managed fields. The autoscaler's first own number ends that."""


def leaving(repository: Repository) -> dict[str, int]:
    """Environments that the commits to be pushed take from fixed replicas to an autoscaler, with the fixed number.

    Those with one replica lose none.
    """
    before, found = repository.upstream, {}
    if before is None:
        return {}
    for environment in contract.ENVIRONMENTS:
        path = f"{contract.CONFIG_ENVS}/{environment}/{contract.SCALING_FILE}"
        old, new = (_scaling(repository, path, revision) for revision in (before, "HEAD"))
        if old is None or new is None or not repository.has_version(environment, before):
            continue
        if new.autoscaled and not old.autoscaled and old.least > 1:
            found[environment] = old.least
    return found


def hold(environment: str, cluster: Cluster) -> int | None:
    """Own the replicas that run, whatever git goes on to say; returns their number, None without a Deployment.

    UnreachableError when the cluster does not answer or does not allow it.
    """
    try:
        return cluster.own_replicas(environment, MANAGER)
    except UnreachableError as error:
        raise UnreachableError(
            f"{environment} goes from fixed replicas to an autoscaler; to keep its pods meanwhile the cluster must be "
            f"asked first, and that failed: {error.message}",
            "push from where it can be reached ($KUBECONFIG). A plain `git push` releases it, too, and drops the "
            "environment to one pod for some seconds",
        ) from error


def _scaling(repository: Repository, path: str, revision: str) -> scaling_file.Scaling | None:
    try:
        return scaling_file.parse(repository.read(path, revision) or "", path)
    except LookoutError:  # no such file, or a form of somebody's own
        return None
