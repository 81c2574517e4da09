"""The protocol's paths: health, metadata, inference."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lookout import contract
from service import intake, observation, problems
from service.decode import Pixels
from service.detector import Detector
from service.dispatch import Endpoint
from service.health import Health
from service.intake import Photo
from service.memory import BodyBudget
from service.oip import inputs, outputs, wire
from service.postprocess import Detections
from service.settings import Settings

_PLATFORMS: Final = {"openvino": "openvino_ir", "litert": "litert_tflite", "tensorflow": "tensorflow_savedmodel"}
"""By the first part of the runtime's name."""


@dataclass(frozen=True)
class _Asked:
    """A request taken apart."""

    id: str | None
    images: list[Photo | Pixels]
    parameters: intake.Parameters
    outputs: dict[str, bool]
    """Names, and whether as binary data."""


class Endpoints:
    """What the paths under /v2 share with the rest of the service."""

    def __init__(
        self,
        detector: Detector,
        settings: Settings,
        health: Health,
        bodies: BodyBudget,
    ) -> None:
        self._detector, self._settings, self._health, self._bodies = detector, settings, health, bodies
        self._parsing = asyncio.Lock()
        """One request is taken apart at a time: as JSON it may be far larger than it was sent."""

    def paths(self) -> dict[str, dict[str, Endpoint]]:
        """Every path of the protocol, for the one model there is."""
        return {
            contract.OIP_PATH: {"GET": self.server},
            f"{contract.OIP_PATH}/health/live": {"GET": self.live},
            f"{contract.OIP_PATH}/health/ready": {"GET": self.ready},
            contract.OIP_MODEL_PATH: {"GET": self.model},
            f"{contract.OIP_MODEL_PATH}/ready": {"GET": self.model_ready},
            contract.OIP_INFER_PATH: {"POST": self.infer},
        }

    async def server(self, _: Request) -> Response:
        """GET /v2: the server and the extensions it has."""
        return JSONResponse({"name": "lookout", "version": "2", "extensions": ["binary_tensor_data"]})

    async def live(self, _: Request) -> Response:
        """GET /v2/health/live."""
        self._health.check_alive()
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """GET /v2/health/ready."""
        self._health.check_ready()
        return JSONResponse({"ready": True})

    async def model_ready(self, _: Request) -> Response:
        """GET /v2/models/detector/ready."""
        self._health.check_ready()
        return JSONResponse({"name": contract.DETECTOR, "ready": True})

    async def model(self, _: Request) -> Response:
        """GET /v2/models/detector: inputs and outputs."""
        return JSONResponse(
            {
                "name": contract.DETECTOR,
                "versions": [self._detector.stored.version],
                "platform": _PLATFORMS[self._detector.runtime.split("-")[0]],
                "inputs": [
                    {"name": inputs.IMAGE, "datatype": "BYTES", "shape": [-1]},
                    {"name": inputs.PIXELS, "datatype": "UINT8", "shape": [-1, -1, -1, 3]},
                ],
                "outputs": [
                    {"name": name, "datatype": "FP32", "shape": list(shape)} for name, shape in outputs.OUTPUTS.items()
                ],
            }
        )

    async def infer(self, request: Request) -> Response:
        """POST /v2/models/detector/infer."""
        self._detector.check()
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise problems.unsupported("Compressed bodies are not taken; photos hardly shrink.")
        with self._bodies.account() as take:
            asked = await self._asked(request, take)
            told = intake.when_left(request)
            found = _all_good(await self._detector.find_all(asked.images, asked.parameters, told))
        observation.note(request, photos=len(found))
        head: dict[str, Any] = {"model_name": contract.DETECTOR, "model_version": self._detector.stored.version}
        if asked.id is not None:
            head["id"] = asked.id
        answer, json_length = await asyncio.to_thread(self._encoded, head, found, asked)
        if json_length is None:
            return Response(answer, media_type="application/json")
        return Response(answer, media_type="application/octet-stream", headers={wire.HEADER_LENGTH: str(json_length)})

    async def _asked(self, request: Request, take: intake.Take) -> _Asked:
        """Read and take apart a request. Neither its body nor its JSON outlives this."""
        started = time.perf_counter()
        body = await intake.read(request, self._settings.max_batch_bytes, self._settings, take)
        async with self._parsing:
            return await asyncio.to_thread(self._take_apart, body, request.headers.get(wire.HEADER_LENGTH), started)

    def _take_apart(self, body: bytes, header_length: str | None, started: float) -> _Asked:
        parts = wire.frame(body, header_length)
        with self._detector.memory(parts.cost_bytes):
            received = wire.parse(parts)
            images = inputs.images(received, self._settings)
            spent_s = time.perf_counter() - started
            return _Asked(
                id=received.request.id,
                images=[one._replace(intake_s=spent_s) if isinstance(one, Photo) else one for one in images],
                parameters=_parameters(received.request.parameters),
                outputs=outputs.wanted(received.request),
            )

    def _encoded(self, head: dict[str, Any], found: list[Detections], asked: _Asked) -> tuple[bytes, int | None]:
        """As JSON, a batch's outputs are ten thousand numbers: too long for the event loop."""
        with self._detector.encoding():
            return outputs.encode(head, outputs.tensors(found, asked.parameters.limit), asked.outputs)


def _parameters(given: wire.Parameters) -> intake.Parameters:
    """`threshold` and `limit` of the request's own parameters. Without them all is answered that the model keeps, as
    the zoo's exports do: a client of theirs applies a threshold of its own."""
    defaults: dict[str, Any] = {"threshold": 0.0, "limit": contract.MAX_LIMIT}
    try:
        return intake.Parameters.model_validate(
            defaults | {name: given[name] for name in defaults if name in given}, strict=True
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise problems.bad_parameter(f"{first['loc'][0]}: {first['msg']}.") from error


def _all_good(answers: list[Detections | problems.Problem]) -> list[Detections]:
    """The protocol knows no answer for a part of a batch: the first photo that cannot be read is the whole's error."""
    found: list[Detections] = []
    for place, one in enumerate(answers):
        if isinstance(one, problems.Problem):
            raise one.of(f"Photo {place}" if len(answers) > 1 else "")
        found.append(one)
    return found
