"""What a running service says about the photos that shared runs of its model."""

from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from lookout import contract


class Runs(NamedTuple):
    """Since the service started; both 0 where each photo has a run of its own."""

    runs: float
    photos: float

    def since(self, earlier: "Runs") -> float:
        """Mean photos a run in the meantime; 1 where none were counted."""
        runs, photos = self.runs - earlier.runs, self.photos - earlier.photos
        return photos / runs if runs else 1.0


def counted(url: str) -> Runs:
    """Until now."""
    text = httpx.get(url + contract.METRICS_PATH, trust_env=False).text
    values = {sample.name: sample.value for one in text_string_to_metric_families(text) for sample in one.samples}
    return Runs(values[f"{contract.METRIC_RUN_PHOTOS}_count"], values[f"{contract.METRIC_RUN_PHOTOS}_sum"])
