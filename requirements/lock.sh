#!/bin/sh
# Writes the hash-locked requirement files from pyproject.toml. Needs uv (`pip install uv`). No index address is recorded.
set -eu
cd "$(dirname "$0")/.."
flags="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command requirements/lock.sh --quiet"
# shellcheck disable=SC2086
uv pip compile $flags "$@" --all-extras --group service --group dev pyproject.toml --output-file requirements/lookout.txt
# The images' own, subsets held to the same versions.
# shellcheck disable=SC2086
uv pip compile $flags --group service --constraint requirements/lookout.txt --output-file requirements/service.txt
# The GPU image's too; NVIDIA's packages are in no other file, so they are held by this one alone.
# shellcheck disable=SC2086
uv pip compile $flags --group gpu --constraint requirements/lookout.txt --output-file requirements/gpu.txt
# shellcheck disable=SC2086
uv pip compile $flags --group loadtest --constraint requirements/lookout.txt --output-file requirements/load.txt
# The bench's peers: the project's own versions wherever both have a package.
# shellcheck disable=SC2086
uv pip compile $flags --group bench --constraint requirements/lookout.txt --output-file requirements/bench.txt
# Fuzzing: what the image runs, in the same versions, and the fuzzer.
# shellcheck disable=SC2086
uv pip compile $flags --group fuzz --constraint requirements/lookout.txt --output-file requirements/fuzz.txt
