"""Licences are read, never guessed."""

from pathlib import Path

import pytest

from lookout.licences import (
    UNKNOWN,
    Used,
    _escaped,
    debian_packages,
    linked_modules,
    python_distributions,
    recognise,
)
from lookout.licences_cli import table
from lookout.paths import PROJECT_ROOT

BUILD_INFO = """\
/cache/kubectl: go1.26.8
\tpath\tk8s.io/kubernetes/cmd/kubectl
\tmod\tk8s.io/kubernetes\tv1.34.4\th1:abc=
\tdep\tgithub.com/MakeNowJust/heredoc\tv1.0.0\th1:def=
\tdep\tgithub.com/golang/protobuf\tv1.5.0
\t=>\tgithub.com/golang/protobuf\tv1.5.4\th1:ghi=
\tdep\tsigs.k8s.io/yaml\tv1.6.0\th1:jkl=
\tbuild\t-compiler=gc
"""


def test_knows_the_projects_own_licence_text() -> None:
    assert recognise((PROJECT_ROOT / "LICENSE").read_text()) == "Apache-2.0"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Permission is hereby granted, free of charge, to any person obtaining\n a copy", "MIT"),
        ("Redistributions in binary form must reproduce\nthe above", "BSD-2-Clause"),
        (
            "Redistributions in binary form must reproduce it. May not endorse or promote products derived from",
            "BSD-3-Clause",
        ),
        ("Mozilla Public License, version 2.0 ... means the GNU Affero General Public License", "MPL-2.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE ... incorporates the GNU General Public License", "LGPL"),
        ("GNU GENERAL PUBLIC LICENSE ... use with the GNU Affero General Public License", "GPL"),
        ("All rights reserved.", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_recognises_a_licence_by_its_own_words(text: str, licence: str) -> None:
    assert recognise(text) == licence


def test_linked_modules_name_the_replacement_and_the_main_module() -> None:
    assert list(linked_modules(BUILD_INFO)) == [
        ("k8s.io/kubernetes", "v1.34.4"),
        ("github.com/MakeNowJust/heredoc", "v1.0.0"),
        ("github.com/golang/protobuf", "v1.5.4"),
        ("sigs.k8s.io/yaml", "v1.6.0"),
    ]


def test_the_module_cache_spells_capitals_with_an_exclamation_mark() -> None:
    assert _escaped("github.com/MakeNowJust/heredoc") == "github.com/!make!now!just/heredoc"


def test_every_locked_distribution_of_the_image_states_a_licence() -> None:
    used = {item.name: item for item in python_distributions(PROJECT_ROOT / "requirements" / "service.txt")}
    assert used["bentoml"].licence == "Apache Software License"
    assert [item for item in used.values() if item.licence.startswith(UNKNOWN)] == []


def test_a_distribution_that_is_not_installed_is_unknown_and_one_for_another_platform_left_out(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "# a comment\nno-such-distribution==1.0 \\\n    --hash=sha256:00\n    # via nobody\n"
        "colorama==0.4.6 ; sys_platform == 'win32' \\\n"
    )
    assert python_distributions(lock) == [Used("no-such-distribution", "1.0", "unknown (not installed)")]


def test_a_debian_package_names_every_licence_of_its_files(tmp_path: Path) -> None:
    for name, text in {"b": "License: MIT\n text\nLicense: GPL-2+\nLicense: MIT\n", "a": "Copyright me\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "copyright").write_text(text)
    assert [used.licence for used in debian_packages(["b", "a", "none"], tmp_path)] == [
        UNKNOWN,
        "GPL-2+, MIT",
        "unknown (not installed)",
    ]


def test_a_table_survives_a_licence_with_a_bar_in_it() -> None:
    assert "| a | 1 | MIT / BSD |" in table([Used("a", "1", "MIT | BSD")])
