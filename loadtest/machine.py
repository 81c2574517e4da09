"""What machine this is, in words that two results can be compared by; it names no host."""

import os
import platform
import re
from pathlib import Path


def description() -> str:
    """Processor, cores that this process may use, memory and kernel."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0))
    return f"{processor()}, {cores} cores, {memory / 1024**3:.0f} GiB, Linux {platform.release()}"


def processor() -> str:
    """The processor's name as the kernel has it, else its architecture."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()
