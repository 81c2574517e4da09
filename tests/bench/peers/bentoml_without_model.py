"""BentoML's own API with nothing behind it: bentoml serve tests.bench.peers.bentoml_without_model:Empty."""

from typing import Any

import bentoml
from PIL.Image import Image


@bentoml.service
class Empty:
    """Reads a photo's size and finds nothing."""

    @bentoml.api(route="/v1/detect")
    def detect(self, image: Image, /) -> dict[str, Any]:
        """What the other servers answer for a model that finds nothing."""
        return {"image": {"width": image.width, "height": image.height}, "detections": []}
