"""Which cluster a kubeconfig, or a list of them, leads to."""

import os
from pathlib import Path

import pytest

from gitops.cluster import Cluster, UnreachableError


def _config(file: Path, name: str, *, current: bool = True) -> Path:
    lines = [
        f"contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]",
        f"clusters: [{{name: {name}, cluster: {{server: 'https://{name}.example'}}}}]",
        f"users: [{{name: {name}, user: {{token: none}}}}]",
    ]
    file.write_text("\n".join([*lines, f"current-context: {name}"] if current else lines) + "\n")
    return file


def _server(*files: Path) -> str:
    return str(Cluster(os.pathsep.join(map(str, files)))._api.configuration.host)


def test_a_list_of_kubeconfigs_leads_where_kubectl_goes(tmp_path: Path) -> None:
    one, two = _config(tmp_path / "one", "one"), _config(tmp_path / "two", "two")
    assert _server(one, two) == "https://one.example"
    assert _server(two, one) == "https://two.example"


def test_files_without_a_context_or_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    one, two = _config(tmp_path / "one", "one", current=False), _config(tmp_path / "two", "two")
    assert _server(tmp_path / "nowhere", one, two) == "https://two.example"


@pytest.mark.parametrize("text", ["", "- a list\n", "contexts: [\n"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(UnreachableError, match="no usable kubeconfig"):
        Cluster(file)
