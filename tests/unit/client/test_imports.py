"""The client is light: it starts at once and needs nothing of what runs the model."""

import subprocess
import sys

from lookout import paths

_HEAVY = ("numpy", "PIL", "simplejpeg", "ai_edge_litert", "bentoml", "starlette", "tensorflow", "service.detector")


def test_imports_nothing_of_what_serves() -> None:
    code = f"import sys, client.command; print([name for name in {_HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.PROJECT_ROOT
    )
    assert done.stdout.strip() == "[]"
