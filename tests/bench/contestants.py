"""Who takes part: how each server is started, and the layouts among which it is tuned."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from lookout import paths
from service.model.stored import read_card
from service.quota import usable_cores
from service.runtimes import SAVED_MODEL
from tests.bench.peers.our_model import MODEL, SESSIONS, THREADS
from tests.bench.record import Layout, Name

BENCH_PYTHON: Final = paths.PROJECT_ROOT / ".venv-bench" / "bin" / "python"
"""Of the environment that has the peers' packages; the project's own never gets them."""
_PEERS: Final = "tests.bench.peers"
_HOST: Final = ("--host", "127.0.0.1")


class Server(NamedTuple):
    """A program that answers POST /v1/detect."""

    name: Name
    title: str
    layouts: tuple[Layout, ...]
    command: Callable[[int, Layout], list[str | Path]]
    """From port and layout."""
    environment: Callable[[int, Layout], Mapping[str, str]]
    """What is added to this process's own, from port and layout."""


def servers(model: Path) -> tuple[Server, ...]:
    """All servers of the first table, around the model in folder `model`."""
    cores = usable_cores()
    one, threaded, spread = Layout(processes=1, threads=1), Layout(processes=1, threads=cores), Layout(
        processes=cores, threads=1
    )  # fmt: skip
    tuned = tuple(dict.fromkeys((threaded, spread)))
    bentoml, python = paths.venv_bin("bentoml"), paths.venv_bin("python")
    saved = {"BENCH_SAVED_MODEL": str(model / SAVED_MODEL), "TF_CPP_MIN_LOG_LEVEL": "2"}
    runtime = read_card(model).runtime
    return (
        Server(
            "ours",
            f"Lookout as its image runs it: python -m service, {runtime}",
            (threaded,),
            lambda port, _: [python, "-m", "service", *_HOST, "--port", str(port)],
            lambda _port, _: {"LOOKOUT_MODEL_DIR": str(model)},
        ),
        Server(
            "plain_bentoml",
            "BentoML + TensorFlow SavedModel, defaults",
            (one,),
            lambda port, _: [bentoml, "serve", f"{_PEERS}.plain_bentoml:Plain", *_HOST, "--port", str(port)],
            lambda _port, _: saved,
        ),
        Server(
            "plain_tuned",
            "the same, best worker count",
            tuple(dict.fromkeys((one, spread))),
            lambda port, _: [bentoml, "serve", f"{_PEERS}.plain_tuned:Tuned", *_HOST, "--port", str(port)],
            lambda _port, layout: {**saved, "BENCH_PROCESSES": str(layout.processes)},
        ),
        *_with_our_model(str(model), runtime, tuned),
    )


def without_model(model: Path) -> tuple[Server, ...]:
    """The servers of the second table: the same programs around a model that does nothing.

    Ours reads the card of the model in folder `model` all the same: it is our service whole, but for the session.
    """
    cores = usable_cores()
    one, threaded = Layout(processes=1, threads=1), Layout(processes=1, threads=cores)
    bentoml, python = paths.venv_bin("bentoml"), paths.venv_bin("python")
    return (
        Server(
            "ours",
            "Lookout as its image runs it",
            (threaded,),
            lambda port, _: [python, "-m", f"{_PEERS}.ours_without_model", *_HOST, "--port", str(port)],
            lambda _port, _: {"LOOKOUT_MODEL_DIR": str(model)},
        ),
        Server(
            "bentoml",
            "BentoML's own API",
            (one,),
            lambda port, _: [bentoml, "serve", f"{_PEERS}.bentoml_without_model:Empty", *_HOST, "--port", str(port)],
            lambda _port, _: {},
        ),
        *_with_our_model("", "no model", (one,)),
    )


def _with_our_model(model: str, what: str, layouts: tuple[Layout, ...]) -> tuple[Server, ...]:
    """The peers that run our model, runtime and decoding, or nothing where `model` is empty."""

    def environment(port: int, layout: Layout) -> dict[str, str]:
        return {
            MODEL: model,
            SESSIONS: str(layout.threads),
            THREADS: "1",
            "ROBYN_PORT": str(port),
            "ROBYN_MAX_PAYLOAD_SIZE": "20000000",
        }

    return (
        Server(
            "fastapi",
            f"FastAPI + uvicorn, {what}",
            layouts,
            lambda port, layout: [
                BENCH_PYTHON, "-m", "uvicorn", f"{_PEERS}.on_fastapi:app", *_HOST, "--port", str(port),
                "--workers", str(layout.processes),
            ],
            environment,
        ),
        Server(
            "litserve",
            f"LitServe, {what}",
            layouts,
            lambda port, layout: [BENCH_PYTHON, "-m", f"{_PEERS}.on_litserve", str(port), str(layout.processes)],
            # Its workers take one photo at a time: more threads can only be the interpreter's.
            lambda port, layout: {**environment(port, layout), THREADS: str(layout.threads)},
        ),
        Server(
            "other",
            f"Robyn (an HTTP server in Rust), {what}",
            layouts,
            lambda _, layout: [BENCH_PYTHON, "-m", f"{_PEERS}.on_robyn", "--processes", str(layout.processes)],
            environment,
        ),
    )  # fmt: skip
