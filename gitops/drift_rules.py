"""The alert on drift: photos that have been other than those of the model's profile for a while."""

from typing import Any, Final

from lookout import contract

RUNBOOK: Final = "docs/runbooks/drift.md"


def group() -> dict[str, Any]:
    """The rules' group. A ticket, never a page: drift says that the data changed, not that an answer is wrong."""
    return {
        "name": "data",
        "interval": "1m",
        "rules": [
            {
                "alert": "LookoutDrift",
                # Pods see samples of the same photos, so their mean is the steadier figure.
                "expr": f"avg by (environment, feature) ({contract.METRIC_DRIFT}) > {contract.DRIFT_PSI:g}",
                "for": contract.DRIFT_LASTS,
                "labels": {"severity": "ticket"},
                "annotations": {
                    "summary": "{{ $labels.environment }}: photos differ from the profile in {{ $labels.feature }}",
                    "description": "The population stability index has been above "
                    f'{contract.DRIFT_PSI:g} for {contract.DRIFT_LASTS} and is {{{{ $value | printf "%.2f" }}}}. '
                    f"What that means, and what it does not: {RUNBOOK}.",
                },
            }
        ],
    }
