"""The detector as the endpoints know it: photos in, answers out, everything about them measured."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from service import messages, problems, results, schema, tracing
from service.admission import Admission
from service.compute import Compute
from service.decode import MOST_PEAK_BYTES, Pixels
from service.frames import Frame
from service.intake import Parameters, Photo, WhenLeft
from service.memory import PixelRoom, workers
from service.messages import Reply, Said
from service.metrics import Metrics
from service.model.stored import StoredCard, read_card
from service.occlusion import Inputs
from service.postprocess import Detections, Floats
from service.problems import Problem
from service.runtimes import RuntimeName
from service.settings import Settings
from service.sight import Sight
from service.watch import Watch
from service.work import Asked, Kind, Prepared


class Detector:
    """Detects on photos. All heavy work is the workers'; the event loop only waits."""

    def __init__(self, model: Path, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self.stored: StoredCard = read_card(model)
        self.runtime: RuntimeName = settings.runtime or self.stored.runtime
        self.threads = workers(settings, self.runtime)
        self.model = schema.Model(name=self.stored.card.name, version=self.stored.version, runtime=self.runtime)
        self.admission = Admission(self.threads, settings.queue, settings.queue_deadline_s)
        metrics.queue.set_function(lambda: self.admission.waiting)
        self._room = PixelRoom(MOST_PEAK_BYTES * settings.max_image_pixels, self.threads)
        load = {
            "model": str(model),
            "runtime": self.runtime,
            "settings": settings.model_dump(mode="json"),
            "share": self._room.share,
        }
        self._compute = Compute(self.threads, Frame(load), self.admission, self._room, metrics)
        self._watch = Watch(metrics, self.stored.profile)

    @property
    def loaded(self) -> bool:
        """Whether there is a worker that has the model."""
        return self._compute.alive

    async def load(self) -> None:
        """Start the workers; once this returns the model is loaded and has run in each. LookoutError when it cannot."""
        await self._compute.start()

    async def close(self) -> None:
        """Finish what is running and end the workers."""
        await self._compute.close()

    def check(self) -> None:
        """Before a request's body is read: Problem 503 when there is no model to show a photo to, and as
        `Compute.check`."""
        if not self.loaded:
            raise problems.not_ready("The model is not loaded.")
        self._compute.check()

    async def detect(self, photo: Photo, parameters: Parameters, when_left: WhenLeft | None = None) -> Reply:
        """Decode a photo and detect on it: JSON. Problem when it cannot be read or not in time; what waits
        when the client leaves is not begun."""
        return _good(await self._answers("detect", [photo], parameters, when_left))[0]

    async def draw(self, photo: Photo, parameters: Parameters, when_left: WhenLeft | None = None) -> Reply:
        """As `detect`, and draw on the photo: JPEG."""
        return _good(await self._answers("draw", [photo], parameters, when_left))[0]

    async def detect_all(
        self, photos: list[Photo], parameters: Parameters, when_left: WhenLeft | None = None
    ) -> list[Reply | Problem]:
        """Each photo's result or its problem, in order; the batch is taken as a whole or not at all."""
        return await self._answers("detect", photos, parameters, when_left)

    async def find_all(
        self, images: Sequence[Photo | Pixels], parameters: Parameters, when_left: WhenLeft | None = None
    ) -> list[Detections | Problem]:
        """As `detect_all`, without the words: boxes, scores and classes as arrays. Pixels are upright RGB."""
        answers = await self._answers("find", images, parameters, when_left)
        return [one if isinstance(one, Problem) else one.said.look().found for one in answers]

    async def prepare(self, photo: Photo) -> Prepared:
        """The photo as the model sees it, and what it finds there: a short piece of work, in turn with the photos of
        others but without a place among them. Problem when it cannot be read."""
        return messages.read_prepared(_frame(await self._compute.beside(messages.prepare(photo.data, photo.declared))))

    async def without(self, inputs: Inputs, patch: Floats) -> Detections:
        """What is found when a patch of a prepared photo, ymin, xmin, ymax, xmax in 0..1, is hidden. As `prepare`."""
        return messages.read_detections(_frame(await self._compute.beside(messages.without(inputs, patch))))

    def memory(self, count: int) -> AbstractContextManager[None]:
        """Room for `count` bytes among those that photos may take while they are judged; waits for it. Not for the
        event loop."""
        return self._room.hold(count)

    def encoding(self) -> AbstractContextManager[object]:
        """Times the making of an answer out of what was found."""
        return self._metrics.stages["encoding"].time()

    async def _answers(
        self, kind: Kind, images: Sequence[Photo | Pixels], parameters: Parameters, when_left: WhenLeft | None
    ) -> list[Reply | Problem]:
        frames = [_asked(kind, image, parameters) for image in images]
        answers: list[Reply | Problem] = []
        for image, said in zip(images, await self._compute.each(frames, when_left), strict=True):
            if isinstance(said, Problem):
                answers.append(said)
                continue
            reply = messages.read_answer(said)
            tracing.stages(reply.said.look)
            self._metrics.later(self._measure, reply.said, kind, isinstance(image, Photo), parameters)
            answers.append(reply)
        return answers

    def _measure(self, said: Said, kind: Kind, sent: bool, parameters: Parameters) -> None:
        """A photo that was sent as such, or came as pixels."""
        look = said.look()
        spent_s = look.spent_s
        if kind != "find":
            spent_s["encoding"] = said.encoding_s
        if not sent:
            del spent_s["intake"], spent_s["decode"]
        for name, seconds in spent_s.items():
            self._metrics.stages[name].observe(seconds)
        scores, classes = tuple(look.found.scores.tolist()), tuple(look.found.classes.tolist())
        for class_id in classes:
            self._metrics.detections.labels(results.label_of(class_id, self.stored.card.labels)).inc()
        self._watch.see(Sight(look.width * look.height, look.brightness, scores, classes), parameters)


def _asked(kind: Kind, image: Photo | Pixels, parameters: Parameters) -> Frame:
    arrived = time.perf_counter()
    if isinstance(image, Photo):
        asked = Asked(kind, image.declared, parameters.threshold, parameters.limit, image.intake_s, arrived)
        return messages.photo(image.data, asked)
    return messages.photo(image, Asked(kind, "", parameters.threshold, parameters.limit, 0.0, arrived))


def _good(answers: list[Reply | Problem]) -> list[Reply]:
    for one in answers:
        if isinstance(one, Problem):
            raise one
    return [one for one in answers if not isinstance(one, Problem)]


def _frame(answer: Frame | Problem) -> Frame:
    if isinstance(answer, Problem):
        raise answer
    return answer
