"""The rules of promotion: dev takes every release, and each environment takes it from the one before."""

from collections.abc import Collection, Sequence

from lookout import contract
from lookout.errors import LookoutError, UsageError


def check_environment(environment: str) -> str:
    """The environment itself; UsageError when there is no such one."""
    if environment not in contract.ENVIRONMENTS:
        raise UsageError(f"unknown environment {environment!r}", f"one of {', '.join(contract.ENVIRONMENTS)}")
    return environment


def check_step(source: str, target: str, *, force: bool = False) -> None:
    """Refuse a promotion that goes backwards, or past an environment unless forced.

    Evidence is not asked for: a promotion is unconditional.
    """
    order = contract.ENVIRONMENTS
    distance = order.index(check_environment(target)) - order.index(check_environment(source))
    if distance == 0:
        raise UsageError(f"{source} cannot be promoted to itself", f"promotion goes {' → '.join(order)}")
    if distance < 0:
        raise UsageError(
            f"{source} comes after {target}: promotion goes {' → '.join(order)}",
            f"to take {target} back: lookout release rollback {target}",
        )
    if distance > 1 and not force:
        skipped = order[order.index(source) + 1]
        raise UsageError(
            f"promoting {source} to {target} skips {skipped}",
            f"promote to {skipped} first, or, in an emergency, add --force",
        )


def check_cut(environments: Sequence[str], released: Collection[str], *, force: bool = False) -> None:
    """Refuse a cut past the first environment, unless that environment has no release yet, or forced.

    `released` holds the environments that have a version, readable or not, other than the one to cut.
    """
    first = contract.ENVIRONMENTS[0]
    for environment in environments:
        check_environment(environment)
        if environment != first and environment in released and not force:
            raise LookoutError(
                f"{environment} already runs a release; a new one starts in {first} and is promoted",
                f"lookout release cut --env {first}, then lookout release promote; in an emergency, add --force",
            )
