"""`python -m tests.packages`: Debian packages that nothing but the tests needs."""

import sys
from typing import Final

from lookout import debian
from lookout.errors import LookoutError

PROGRAMS: Final = {"chromium": "chromium", "chromium-driver": "chromedriver", "prometheus": "promtool"}
"""Debian package by package, one program that shows that it is there: for the page, and for the alerts' rules."""


if __name__ == "__main__":
    try:
        debian.install(print, PROGRAMS)
    except LookoutError as error:
        sys.exit(f"error: {error}")
