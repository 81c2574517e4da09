"""What the documents name exists: links, files of this repository, commands with their options, make targets."""

import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from lookout.cli import _SUB_COMMANDS
from lookout.paths import PROJECT_ROOT

DOCUMENTS = sorted(
    path
    for path in (*(PROJECT_ROOT / "docs").rglob("*.md"), *PROJECT_ROOT.glob("*.md"))
    if path.name != "third-party-licences.md"
)
ROOMS = ("lookout/", "tools/", "infra/", "service/", "gitops/", "loadtest/", "tests/", "docs/", "requirements/", ".ci/")

_CODE = re.compile(r"`([^`\n]+)`|^ {4,}(\S.*)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[\s(\"/])lookout ((?:[a-z][a-z-]*)(?: [^\s#;&|)\"]+)*)")
_TARGET = re.compile(r"(?:^|[;&(]\s*|\s)make ([a-z]+)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_names_only_what_exists(path: Path) -> None:
    text = path.read_text()
    code = [first or second for first, second in _CODE.findall(text)]
    wrong = [*_dead_links(path, text)]
    for piece in code:
        wrong += [f"no such file: {word}" for word in piece.split() if not _exists(word)]
        wrong += [problem for words in _COMMAND.findall(piece) if (problem := _problem(words.split()))]
        wrong += [f"no make target {name}" for name in _TARGET.findall(piece) if name not in _targets()]
    assert wrong == []


def test_sees_a_command_an_option_a_target_and_a_file_that_are_not_there() -> None:
    assert _problem(["nosuch"]) == "lookout nosuch: no such command"
    assert _problem(["release", "undo"]) == "lookout release undo: no such command"
    assert _problem(["release", "rollback", "prod", "--hard"]) == "lookout release rollback: no option --hard"
    assert _problem(["release", "rollback", "prod", "--push"]) is None
    assert _COMMAND.findall(".venv/bin/lookout load run --users 3") == ["load run --users 3"]
    assert "nosuch" not in _targets()
    assert not _exists("lookout/nosuch.py")


def test_there_are_documents_to_look_at() -> None:
    assert {"architecture.md", "CONTRIBUTING.md", "rollback.md"} <= {path.name for path in DOCUMENTS}


def _dead_links(path: Path, text: str) -> list[str]:
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [f"dead link: {t}" for t in targets if t and "://" not in t and not (path.parent / t).exists()]


def _exists(word: str) -> bool:
    """Whether a word is no path into one of the rooms, or one that is there; placeholders are not looked at."""
    word = word.rstrip(".,:;")
    if not word.startswith(ROOMS) or any(sign in word for sign in "<>*{…$"):
        return True
    return (PROJECT_ROOT / word).exists()


def _problem(words: list[str]) -> str | None:
    """What is wrong with `lookout WORDS`, if anything."""
    if words[0] not in _SUB_COMMANDS:
        return f"lookout {words[0]}: no such command"
    command, name = _command(words[0]), words[0]
    rest = words[1:]
    while rest and getattr(command, "commands", None):
        if rest[0] in command.commands:
            command, name = command.commands[rest[0]], f"{name} {rest[0]}"
            rest = rest[1:]
        elif rest[0].startswith(("-", "<")) or any(not p.opts[0].startswith("-") for p in command.params):
            break
        else:
            return f"lookout {name} {rest[0]}: no such command"
    known = {"--help", *(opt for param in command.params for opt in (*param.opts, *param.secondary_opts))}
    passed = rest[: rest.index("--")] if "--" in rest else rest
    unknown = [word for word in passed if word.startswith("--") and word not in known]
    return f"lookout {name}: no option {unknown[0]}" if unknown else None


@cache
def _command(name: str) -> Any:
    module, attribute = _SUB_COMMANDS[name][0].split(":")
    return typer.main.get_command(getattr(importlib.import_module(module), attribute))


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE))
