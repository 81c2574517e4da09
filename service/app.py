"""The HTTP service: a Starlette app whose bodies and errors are ours. It knows nothing of BentoML, which mounts it."""

import asyncio
import gc
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lookout import contract
from service import drain, intake, model_description, observation, pages, results, tracing
from service.detector import Detector
from service.dispatch import Dispatch, Paths
from service.explainer import Explainer
from service.health import Health
from service.held_response import HeldResponse
from service.memory import BodyBudget
from service.messages import Said
from service.metrics import Metrics
from service.observation import Observation, configure_logging, event
from service.oip.endpoints import Endpoints
from service.openapi.document import document
from service.problems import Problem
from service.settings import Settings
from service.tokens import TokenGate, read_tokens
from service.tracing import Tracer


def create_app(model: Path, settings: Settings, bento: str | None = None) -> "App":
    """The app for the model in folder `model`. LookoutError when there is no model that holds.

    `bento` is the bento it is served from, as name:version; None from a clone.

    The model is loaded in the background once the server runs; until then /readyz answers 503.
    """
    configure_logging(settings.log_level)
    metrics = Metrics()
    tracer = tracing.from_environment()
    service = Service(Detector(model, settings, metrics), settings, metrics, bento, tracer)
    endpoints: ASGIApp = Dispatch(service.paths(), metrics)
    if settings.tokens_file:
        endpoints = TokenGate(endpoints, read_tokens(settings.tokens_file))
    return App(service, Observation(endpoints, metrics, service.health, tracer))


class App(Starlette):
    """Starlette has the start and the end; requests go past its layers and routes, of which there are none."""

    def __init__(self, service: "Service", answering: ASGIApp) -> None:
        super().__init__(lifespan=service.lifespan)
        self.service, self._answering = service, answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from start to end."""
        if scope["type"] == "http":
            await self._answering(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Service:
    """The endpoints and what they share."""

    def __init__(
        self, detector: Detector, settings: Settings, metrics: Metrics, bento: str | None, tracer: Tracer
    ) -> None:
        self.detector, self.settings, self.metrics, self.bento = detector, settings, metrics, bento
        self._tracer = tracer
        self.health, self.bodies = Health(lambda: detector.loaded), BodyBudget(settings.max_held_bytes)
        self.explainer = Explainer(detector, settings)
        self.oip = Endpoints(detector, settings, self.health, self.bodies)

    def paths(self) -> Paths:
        """Every path of the service."""
        return {
            contract.DETECT_PATH: {"POST": self.detect},
            contract.BATCH_PATH: {"POST": self.detect_batch},
            contract.RENDER_PATH: {"POST": self.render},
            contract.EXPLAIN_PATH: {"POST": self.explain},
            contract.MODEL_PATH: {"GET": self.model},
            **self.oip.paths(),
            contract.LIVENESS_PATH: {"GET": self.livez},
            contract.READINESS_PATH: {"GET": self.readyz},
            contract.METRICS_PATH: {"GET": self.metrics_text},
            "/openapi.json": {"GET": self.openapi},
            **dict(pages.paths()),
        }

    async def detect(self, request: Request) -> Response:
        """POST /v1/detect."""
        parameters = self._admissible(request, intake.Parameters)
        with self.bodies.account() as take:
            photo = await intake.one_photo(request, self.settings, take)
            answer = await self.detector.detect(photo, parameters, intake.when_left(request))
        _remember(request, answer.said)
        return Response(answer.body, media_type="application/json")

    async def render(self, request: Request) -> Response:
        """POST /v1/render: the photo as JPEG with boxes drawn."""
        parameters = self._admissible(request, intake.Parameters)
        with ExitStack() as held:
            take = held.enter_context(self.bodies.account())
            photo = await intake.one_photo(request, self.settings, take)
            drawn = await self.detector.draw(photo, parameters, intake.when_left(request))
            take(len(drawn.body))
            _remember(request, drawn.said)
            headers = {"X-Detections": str(drawn.said.detections)}
            return HeldResponse(drawn.body, "image/jpeg", headers, held.pop_all())

    async def detect_batch(self, request: Request) -> Response:
        """POST /v1/detect/batch: one result or problem a photo."""
        parameters = self._admissible(request, intake.Parameters)
        with self.bodies.account() as take:
            photos = await intake.several_photos(request, self.settings, take)
            answers = await self.detector.detect_all(photos, parameters, intake.when_left(request))
        observation.note(request, photos=len(photos))
        return Response(
            results.batch_json([one if isinstance(one, Problem) else one.body for one in answers]),
            media_type="application/json",
        )

    async def explain(self, request: Request) -> Response:
        """POST /v1/explain: which parts of the photo one detection rests on."""
        parameters = self._admissible(request, intake.ExplainParameters)
        self.explainer.check()
        with self.bodies.account() as take:
            photo = await intake.one_photo(request, self.settings, take)
            return _json(await self.explainer.explain(photo, parameters, request.is_disconnected))

    async def model(self, _: Request) -> Response:
        """GET /v1/model."""
        detector = self.detector
        return _json(model_description.describe(detector.stored, detector.runtime, detector.threads, self.bento))

    async def livez(self, _: Request) -> Response:
        """Alive unless the model can never be served. It needs no worker, so traffic cannot starve it."""
        self.health.check_alive()
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        """Ready once warm, no longer after SIGTERM."""
        self.health.check_ready()
        return PlainTextResponse("ready\n")

    async def metrics_text(self, _: Request) -> Response:
        """GET /metrics."""
        return Response(self.metrics.text(), media_type=self.metrics.content_type)

    async def openapi(self, _: Request) -> Response:
        """GET /openapi.json."""
        return JSONResponse(document(self.settings))

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Load in the background, drain on SIGTERM, finish what runs."""
        loading = asyncio.create_task(self._load())
        drain.on_sigterm(self.health, self.settings.drain_s)
        try:
            yield
        finally:
            self.health.drain()
            await loading
            await self.detector.close()
            await asyncio.to_thread(self._tracer.close)

    def _admissible(self, request: Request, kind: type[intake.Query]) -> intake.Query:
        """The query of a request that may go on to send its body: a draining service takes it, one without a model or
        with too much to do already does not. The load balancer may take a moment to look elsewhere."""
        self.detector.check()
        return intake.parameters(request, kind)

    async def _load(self) -> None:
        try:
            await self.detector.load()
        except Exception as error:  # noqa: BLE001  # whatever it is, the process must say so and fail its probes
            self.health.fail()
            event(logging.ERROR, "model-not-loaded", reason=str(error), trace=traceback.format_exc())
            return
        # What is there now stays: without, each full garbage collection looks through it all and stops every thread.
        gc.collect()
        gc.freeze()
        self.health.ready()
        event(
            logging.INFO,
            "ready",
            model=self.detector.stored.tag,
            runtime=self.detector.runtime,
            threads=self.detector.threads,
        )


def _remember(request: Request, said: Said) -> None:
    """What the request's log line says of its photo."""
    width, height = said.size
    observation.note(request, image=f"{width}x{height}", detections=said.detections)


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
