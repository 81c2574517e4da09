"""The node's configuration repository: a bare repository whose pushes reach Argo CD at once."""

import shlex
from pathlib import Path

from infra.node.spec import NodeSpec
from lookout import contract
from lookout.process import run
from lookout.tools import tool

_HOOK = """#!/bin/sh
# After a push: ask Argo CD to look now instead of at its next poll. A push never fails because of it.
nudge() {{
  {kubectl} --kubeconfig={kubeconfig} --namespace={namespace} --request-timeout=5s annotate --overwrite "$@" \\
    >/dev/null 2>&1 || echo "Argo CD could not be reached; it will see this push at its next poll" >&2
}}
[ -e {kubeconfig} ] || exit 0
nudge applicationsets --all {set_refresh}=true &
nudge applications --all {refresh}=normal &
wait
"""


def repository(spec: NodeSpec) -> Path:
    """The bare repository on disk; it outlives the node."""
    return spec.directory / "git" / contract.GIT_REPOSITORY


def prepare(spec: NodeSpec) -> None:
    """Make the bare repository if there is none and (re)write its hook, whose paths may have changed."""
    bare = repository(spec)
    if not (bare / "HEAD").exists():
        bare.parent.mkdir(parents=True, exist_ok=True)
        run(["git", "init", "--quiet", "--bare", f"--initial-branch={contract.GIT_BRANCH}", bare])
    settings = {
        "http.receivepack": "true",
        "receive.denyNonFastForwards": "true",
        "receive.denyDeletes": "true",
        "receive.fsckObjects": "true",
    }
    for name, value in settings.items():
        run(["git", "-C", bare, "config", name, value])
    hook = bare / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        _HOOK.format(
            kubectl=shlex.quote(str(tool("kubectl"))),
            kubeconfig=shlex.quote(str(spec.kubeconfig)),
            namespace=contract.ARGOCD_NAMESPACE,
            refresh=contract.ARGOCD_REFRESH_ANNOTATION,
            set_refresh=contract.ARGOCD_SET_REFRESH_ANNOTATION,
        )
    )
    hook.chmod(0o755)
