"""OpenVINO models: float32 and int8, from a photo's resized pixels to raw predictions.

Both are made from the float32 LiteRT model, so that every runtime shares one cut of the graph. int8 is NNCF's: what
OpenVINO makes of the LiteRT int8 model leaves the depthwise convolutions in floating point and takes a third more time
(docs/decisions/0014-runtime.md).
"""

import io
import logging
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from service.model.card import Input, ModelCard
from service.model.litert import CALIBRATION_VARIANTS, calibration
from service.model.savedmodel import needed


def convert(card: ModelCard, litert_float32: Path, kind: str, destination: Path) -> None:
    """Write the OpenVINO model of `kind`, float32 or int8: `destination` (.xml), and its weights beside it (.bin).

    Input float32 [1, height, width, 3], the resized photo's pixels 0..255; outputs box encodings [1, anchors, 4] and
    class logits [1, anchors, 1 + classes], float32.
    """
    import openvino  # type: ignore[import-untyped]  # ships no marker for its types
    from openvino.preprocess import PrePostProcessor  # type: ignore[import-untyped]  # as above

    _, size = needed(card)
    model = openvino.Core().read_model(litert_float32)
    if kind == "int8":
        model = _quantised(model, size)
    scaled = PrePostProcessor(model)
    # (pixel - mean) / scale, where the card has pixel x scale + offset.
    scaled.input().preprocess().mean(-size.offset / size.scale).scale(1 / size.scale)
    openvino.save_model(scaled.build(), destination, compress_to_fp16=False)


def _quantised(model: Any, size: Input) -> Any:
    import nncf  # type: ignore[import-untyped]  # ships no types

    nncf.set_log_level(logging.ERROR)
    photos = nncf.Dataset([image for (image,) in calibration(size)])
    with redirect_stdout(io.StringIO()):  # its progress bars
        return nncf.quantize(model, photos, subset_size=CALIBRATION_VARIANTS)
