"""version.yaml of an environment: which bento, model and image it runs. Commands write it, hands may edit it.

It is a strategic-merge patch of the Deployment. The two annotations stand on the Deployment and on its pods, so that
a pod can be traced without asking anybody else; they must agree.
"""

from typing import Annotated, Any, Final, Literal, NoReturn, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError

_REMEDY: Final = "write it with: lookout release cut, promote or rollback"

# Quoted, because YAML 1.1 reads 1:30 as the number 90.
_TEMPLATE: Final = """\
# The version this environment runs. Written by `lookout release`; a push of this file is the release.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  annotations:
    {bento_key}: "{bento}"
    {model_key}: "{model}"
spec:
  template:
    metadata:
      annotations:
        {bento_key}: "{bento}"
        {model_key}: "{model}"
    spec:
      containers:
        - name: {name}
          image: {image}
"""


def path(environment: str) -> str:
    """Where an environment's version file stands in the configuration repository."""
    return f"{contract.CONFIG_ENVS}/{environment}/{contract.VERSION_FILE}"


def render(artifact: Artifact) -> str:
    """The whole file for an artifact; the same artifact gives the same bytes."""
    return _TEMPLATE.format(
        name=contract.DETECTOR,
        bento_key=contract.BENTO_ANNOTATION,
        model_key=contract.MODEL_ANNOTATION,
        bento=artifact.bento,
        model=artifact.model,
        image=artifact.image,
    )


def parse(text: str, source: str) -> Artifact:
    """The artifact a version file names. LookoutError says what is wrong in it; `source` says where it was read."""
    try:
        documents = list(yaml.load_all(text, Loader=_UniqueKeys))  # a SafeLoader that refuses double keys
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        _refuse(source, f"not YAML{where}: {getattr(error, 'problem', None) or error}", error)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        what = "it is empty" if documents in ([], [None]) else "it must be one document, a patch of one Deployment"
        _refuse(source, what)
    try:
        file = _VersionFile.model_validate(documents[0])
        container = file.spec.template.spec.containers[0]
        return Artifact(
            bento=file.metadata.annotations.bento, model=file.metadata.annotations.model, image=container.image
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        _refuse(source, f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}", error)


def digest(image: str) -> str:
    """The digest of an image reference, for example sha256:1f…; the empty string where it has none."""
    return image.partition("@")[2]


def _refuse(source: str, what: str, cause: Exception | None = None) -> NoReturn:
    raise LookoutError(f"{source} is not a version file: {what}", _REMEDY) from cause


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Annotations(_Strict):
    bento: Annotated[str, Field(alias=contract.BENTO_ANNOTATION)]
    model: Annotated[str, Field(alias=contract.MODEL_ANNOTATION)]


class _Container(_Strict):
    name: Literal["detector"]
    image: str

    @field_validator("image")
    @classmethod
    def _by_digest(cls, image: str) -> str:
        repository, _, sha = image.partition("@")
        if not sha:
            raise ValueError(f"{image!r} has no digest; a tag can move, a release cannot")
        if repository != contract.IMAGE_REPOSITORY:
            raise ValueError(f"{image!r} is not of {contract.IMAGE_REPOSITORY}; each cluster maps that name itself")
        return image


class _PodSpec(_Strict):
    containers: Annotated[tuple[_Container, ...], Field(min_length=1, max_length=1)]


class _PodMetadata(_Strict):
    annotations: _Annotations


class _Template(_Strict):
    metadata: _PodMetadata
    spec: _PodSpec


class _Spec(_Strict):
    template: _Template


class _Metadata(_Strict):
    name: Literal["detector"]
    annotations: _Annotations


class _VersionFile(_Strict):
    api_version: Annotated[Literal["apps/v1"], Field(alias="apiVersion")]
    kind: Literal["Deployment"]
    metadata: _Metadata
    spec: _Spec

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.metadata.annotations != self.spec.template.metadata.annotations:
            raise ValueError("the annotations of the Deployment and those of its pods name two different releases")
        return self


class _UniqueKeys(yaml.SafeLoader):
    """YAML allows no key twice in a mapping; PyYAML takes the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, str) else id(key_node))
        return super().construct_mapping(node, deep)
