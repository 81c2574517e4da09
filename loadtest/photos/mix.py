"""What photos are sent as: data only, so that settings need no image library."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Variant(BaseModel):
    """A format, a size, and how often it is drawn beside others. A JPEG without a size is the photo as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["jpeg", "png", "webp"] = "jpeg"
    long_side: Annotated[int, Field(ge=16, le=6000)] | None = None
    """Pixels of the longer side, to which photos are scaled down or up; 6000 keeps below the service's 40 Mpixel."""
    weight: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = 1.0
