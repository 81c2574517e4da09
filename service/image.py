"""The detector's images: made of a bento without a Docker daemon, pushed by digest.

A bento has two: one for CPUs, and one with TensorFlow and CUDA, twenty times as large, for pods on GPU nodes.
They have Debian and the code in common, layer by layer; which of them an environment runs, its release decides.

Where a Docker daemon answers, `bentoml containerize detector:<version>` makes an image of the same bento too. It starts
from python:3.11-slim of Docker Hub and adds a compiler and git, so it needs the open internet; releases use this one.
"""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict

from lookout import contract, oci, paths
from lookout.artifact import Artifact
from lookout.errors import LookoutError, UsageError
from lookout.oci import Config, Image, Layer, Progress, python, silent
from service import bento, bento_home, image_layers
from service.model import stored
from service.runtimes import RuntimeName

_TAG: Final = re.compile(rf"{contract.DETECTOR}:([a-z0-9][a-z0-9._-]*)")
_GPU_SUFFIX: Final = "-gpu"
_GPU_RUNTIME: Final[RuntimeName] = "tensorflow"
_GPU_ENVIRONMENT: Final = {
    "LOOKOUT_RUNTIME": _GPU_RUNTIME,  # the only one it has, whatever the model's card chose
    "LOOKOUT_REQUIRE_GPU": "true",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",  # what NVIDIA's container runtime brings in of the host's driver
    "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64",  # where GKE's device plugin mounts it
    # CUDA keeps what it compiles for GPUs newer than the wheels under $HOME, which is 128 MB of memory in a pod.
    "CUDA_CACHE_MAXSIZE": str(64 * 1024**2),
}


class BuiltImage(BaseModel):
    """One built image, the bento it was made of and the model inside, both as name:version; whether it is for GPUs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bento: str
    model: str
    image: Image
    gpu: bool = False


def build_image(bento_tag: str | None = None, progress: Progress = silent, *, gpu: bool = False) -> BuiltImage:
    """Make the image of a bento of the store, by default of the one the clone's code gives (which is built).

    Layers that did not change are not made again. Raises LookoutError for an unknown bento, without root, and when
    the base or a requirement cannot be had; with `gpu` also for a bento from before there were GPU images, and on
    processors for which TensorFlow is not built with CUDA.
    """
    path, model_tag, model_path = find(bento_tag, progress)
    tag = f"{contract.DETECTOR}:{path.name}"
    name, version = model_tag.split(":")
    base = python.python_base(progress)
    layers = [
        base,
        *_dependencies(base, path, progress, gpu=gpu),
        image_layers.model(name, version, stored.serving_files(model_path, _GPU_RUNTIME if gpu else None), progress),
        image_layers.code(base, path, progress),
    ]
    made = oci.image(
        f"{contract.IMAGE_REPOSITORY}:{path.name}{_GPU_SUFFIX if gpu else ''}",
        layers,
        config(tag, model_tag, _source_commit(path, model_path), gpu=gpu),
    )
    return BuiltImage(bento=tag, model=model_tag, image=made, gpu=gpu)


def push_image(bento_tag: str | None, registry: str, progress: Progress = silent, *, gpu: bool = False) -> Artifact:
    """Make the image, push it to `registry` (host:port, perhaps with a path) and record what a release names.

    The record has the registry's name as git knows it, whatever door it was pushed through.
    """
    built = build_image(bento_tag, progress, gpu=gpu)
    digest = oci.push(built.image, f"{registry}/{contract.DETECTOR}", progress)
    image = f"{contract.IMAGE_REPOSITORY}@{digest}"
    artifact = Artifact(bento=built.bento, model=built.model, image=image)
    artifact.save(gpu=gpu)
    return artifact


def config(bento_tag: str, model_tag: str, commit: str | None, *, gpu: bool = False) -> Config:
    """How the container starts: as a plain user, writing nothing outside /tmp."""
    source = f"{image_layers.BENTO}/{bento.SOURCE}"
    name, version = bento_tag.split(":")
    labels = {
        contract.BENTO_ANNOTATION: bento_tag,
        contract.MODEL_ANNOTATION: model_tag,
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": version,
    }
    return Config(
        entrypoint=("/usr/bin/python3", "-m", "service"),
        user=f"{python.UID}:{python.UID}",
        workdir=source,
        ports=(contract.CONTAINER_PORT,),
        env={
            **python.environment(source),
            "BENTO_PATH": image_layers.BENTO,
            "BENTOML_HOME": f"{python.HOME}/bentoml",
            "BENTOML_DO_NOT_TRACK": "True",
            **(_GPU_ENVIRONMENT if gpu else {}),
        },
        labels=labels | ({"org.opencontainers.image.revision": commit} if commit else {}),
    )


def _dependencies(base: Layer, path: Path, progress: Progress, *, gpu: bool) -> list[Layer]:
    requirements = path / bento.SOURCE / (bento.GPU_REQUIREMENTS if gpu else bento.REQUIREMENTS)
    if not gpu:
        return [python.dependencies(base, requirements.read_text(), progress)]
    if oci.architecture() != "amd64":
        raise LookoutError(
            f"TensorFlow has no CUDA on {oci.architecture()}: it would compute on the CPU",
            "make the GPU image on an x86_64 machine",
        )
    if not requirements.is_file():
        raise LookoutError(
            f"bento {path.name} is from before there were GPU images: it has no {bento.GPU_REQUIREMENTS}",
            "make one of the clone's code: lookout bento build",
        )
    return image_layers.gpu_dependencies(base, requirements, progress)


def find(bento_tag: str | None, progress: Progress = silent) -> tuple[Path, str, Path]:
    """A bento's folder, its model's tag and its model's folder, the model's files as they were imported."""
    if bento_tag is None:
        built = bento.build(progress)
        return built.path, built.model_tag, built.model_path
    match = _TAG.fullmatch(bento_tag)
    if match is None:
        raise UsageError(f"{bento_tag!r} is not a bento", f"write {contract.DETECTOR}:version; see: lookout bento list")
    home = bento_home.use()
    path = home / "bentos" / contract.DETECTOR / match.group(1)
    try:
        described: dict[str, Any] = yaml.safe_load((path / "bento.yaml").read_text())
        model_tag = str(described["models"][0]["tag"])
    except FileNotFoundError as error:
        raise LookoutError(f"there is no bento {bento_tag}", "see: lookout bento list, lookout bento build") from error
    except (yaml.YAMLError, LookupError, TypeError) as error:
        raise LookoutError(f"{path / 'bento.yaml'} does not say its model", f"remove {path}, build again") from error
    name, _, version = model_tag.partition(":")
    return path, model_tag, stored.intact(home, name, version)


def _source_commit(path: Path, model: Path) -> str | None:
    """The commit that last changed the bento's code, when the clone holds exactly that code, committed.

    Not the newest commit: a commit that leaves the bento alone must leave its image's digest alone too.
    """
    files = bento.code_files()
    if bento.content_version(files, stored.read_card(model)) != path.name:
        return None
    names = [str(file) for file in files.values()]
    try:
        if _git("status", "--porcelain", "--", *names):
            return None
        return _git("log", "-1", "--format=%H", "--", *names) or None
    except (OSError, subprocess.CalledProcessError):
        return None  # not a clone, or no git: the image is the same but for this label


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(paths.PROJECT_ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
