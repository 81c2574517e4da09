"""POST /v1/explain: the occlusion heat map of one detection, as bounded work beside the detections of others."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from service import occlusion, problems, results, schema
from service.detector import Detector
from service.intake import ExplainParameters, Photo
from service.settings import Settings


class Explainer:
    """Explains one detection at a time. Each look at a changed photo waits its turn among the photos of others, so an
    explanation is slow under load and delays nobody by more than one inference a thread."""

    def __init__(self, detector: Detector, settings: Settings) -> None:
        self._detector, self._settings = detector, settings
        self._running = 0

    def check(self) -> None:
        """Problem 503 while as many are explained to as may be; before a body is read that would be for nothing."""
        if self._running >= self._settings.explain_concurrency:
            raise problems.over_capacity("explanations")

    async def explain(
        self, photo: Photo, parameters: ExplainParameters, gone: Callable[[], Awaitable[bool]]
    ) -> schema.ExplainResponse:
        """The heat map of the photo's detection number `rank`. Problem 422 when there is none of that number, 503
        when others are being explained or it takes too long; else as for a detection. `gone` is asked before each look
        whether the client has left: nobody else can be explained to while it runs for no one."""
        with self._turn():
            try:
                async with asyncio.timeout(self._settings.explain_timeout_s):
                    return await self._explain(photo, parameters, gone)
            except TimeoutError as error:
                raise problems.over_capacity("explanations") from error

    async def _explain(
        self, photo: Photo, parameters: ExplainParameters, gone: Callable[[], Awaitable[bool]]
    ) -> schema.ExplainResponse:
        detector, started = self._detector, time.perf_counter()
        first = await detector.prepare(photo)
        if parameters.rank >= len(first.found):
            raise problems.bad_parameter(f"rank: there are {len(first.found)} detections, counted from 0.")
        box, class_id = first.found.boxes[parameters.rank], int(first.found.classes[parameters.rank])
        score = float(first.found.scores[parameters.rank])
        looked_at = occlusion.region(box)
        heat = []
        for patch in occlusion.patches(looked_at, parameters.cells):
            if await gone():
                raise problems.bad_body("The client went away before the heat map was finished.")
            found = await detector.without(first.inputs, patch)
            heat.append(round(score - occlusion.score_of(box, class_id, found), 4))
        top, left, bottom, right = (float(side) for side in looked_at)
        detections = results.detections(first.found, first.width, first.height, detector.stored.card.labels)
        return schema.ExplainResponse(
            model=detector.model,
            image=schema.ImageSize(width=first.width, height=first.height),
            detection=schema.Detection.model_validate(detections[parameters.rank]),
            region=schema.Box(**results.box(left, top, right, bottom, first.width, first.height)),
            heat=[heat[row * parameters.cells :][: parameters.cells] for row in range(parameters.cells)],
            total_ms=round((time.perf_counter() - started) * 1000, 1),
        )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self.check()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
