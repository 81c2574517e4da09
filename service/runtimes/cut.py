"""What the runtimes of a cut graph share: the size the model wants, its anchors, and the way to detections."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lookout.errors import LookoutError
from service import postprocess
from service.model.card import Input, ModelCard
from service.postprocess import Detections

Raw = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Box encodings [anchors, 4] and class logits [anchors, 1 + classes]."""


class Cut:
    """A graph that was cut before its anchors: what lies behind the cut."""

    def __init__(self, anchors: Path, card: ModelCard) -> None:
        if card.graph is None or card.input is None:
            raise LookoutError(f"model {card.name} was not cut", "serve it with the tensorflow runtime")
        self.size: Input = card.input
        self._suppression, self._scales = card.suppression, card.graph.coder_scales
        self._anchors: npt.NDArray[np.float32] = np.load(anchors, allow_pickle=False)

    def finish(self, raw: Raw, threshold: float, limit: int) -> Detections:
        """Decode, threshold and suppress."""
        encodings, logits = raw
        return postprocess.detect(
            encodings,
            logits,
            self._anchors,
            scales=self._scales,
            threshold=threshold,
            limit=min(limit, self._suppression.max_detections),
            iou=self._suppression.iou,
        )
