"""version.yaml: what the commands write is read back, and each kind of broken file is refused by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import version_file
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError

_CORPUS = Path(__file__).parent / "version_files"

# What the message must say about each file of the corpus.
_SAYS = {
    "a_key_twice": "'kind' stands twice",
    "a_list": "one document",
    "annotations_that_disagree": "two different releases",
    "another_container": "containers.0.name: Input should be 'detector'",
    "another_deployment": "metadata.name: Input should be 'detector'",
    "another_kind": "kind: Input should be 'Deployment'",
    "bento_without_version": "bento: String should match",
    "digest_too_short": "image: String should match",
    "empty": "it is empty",
    "image_by_tag": "has no digest",
    "image_without_digest": "has no digest",
    "merge_conflict_markers": "not YAML in line",
    "no_container": "spec.template.spec",
    "no_model": "lookout.dev/model: Field required",
    "only_a_comment": "it is empty",
    "registry_of_one_cluster": "is not of registry.lookout.internal:5000/detector",
    "replicas_in_the_version_file": "spec.replicas: Extra inputs",
    "second_container": "containers.1",
    "settings_in_the_version_file": "containers.0.env: Extra inputs",
    "tabs": "not YAML in line 4",
    "tag_beside_the_digest": "is not of registry.lookout.internal:5000/detector",
    "two_documents": "one document",
}

_names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
_versioned = st.tuples(_names, _names).map(":".join)
_digests = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(bento=_versioned, model=_versioned, digest=_digests)
def test_what_is_written_is_read_back(bento: str, model: str, digest: str) -> None:
    artifact = Artifact(bento=bento, model=model, image=f"{contract.IMAGE_REPOSITORY}@sha256:{digest}")
    assert version_file.parse(version_file.render(artifact), "version.yaml") == artifact


def test_the_same_artifact_gives_the_same_bytes(image: Callable[[str], Artifact]) -> None:
    assert version_file.render(image("a")) == version_file.render(image("a"))


def test_line_endings_of_windows_are_read(image: Callable[[str], Artifact]) -> None:
    text = version_file.render(image("a")).replace("\n", "\r\n")
    assert version_file.parse(text, "version.yaml") == image("a")


@pytest.mark.parametrize("mistake", sorted(_SAYS))
def test_refuses_a_broken_version_file(mistake: str) -> None:
    with pytest.raises(LookoutError) as refused:
        version_file.parse((_CORPUS / f"{mistake}.yaml").read_text(), "envs/dev/version.yaml")
    assert refused.value.message.startswith("envs/dev/version.yaml is not a version file: ")
    assert _SAYS[mistake] in refused.value.message
    assert refused.value.remedy


def test_every_file_of_the_corpus_is_tested() -> None:
    assert {file.stem for file in _CORPUS.iterdir()} == set(_SAYS)
