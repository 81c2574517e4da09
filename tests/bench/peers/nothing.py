"""A model that does nothing: what is left of a request's time is the server's own."""

from typing import Any

import numpy as np

from service.postprocess import Detections
from service.preprocess import Pixels


class Nothing:
    """A session that finds nothing, at once."""

    def prepare(self, image: Pixels) -> Pixels:
        """As it is."""
        return image

    def infer(self, prepared: Any) -> None:
        """Nothing."""

    def finish(self, raw: None, threshold: float, limit: int) -> Detections:  # noqa: ARG002  # the protocol's names
        """No detections."""
        return Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
