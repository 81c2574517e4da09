"""What the kernel says of one process in /proc/PID/stat; the fields are those of proc_pid_stat(5)."""

from pathlib import Path
from typing import NamedTuple


class ProcStat(NamedTuple):
    """A process that the kernel still lists."""

    state: str
    parent: int
    start_ticks: int
    """Clock ticks from the machine's boot to the process's start: with the id it names a process for good."""

    @property
    def runs(self) -> bool:
        """False for a zombie: it has ended and nobody has collected it yet."""
        return self.state != "Z"


def read(pid: int) -> ProcStat | None:
    """The process of this id, or None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Field 2, the name, stands in brackets and may itself hold brackets and spaces.
    fields = text.rpartition(")")[2].split()
    return ProcStat(state=fields[0], parent=int(fields[1]), start_ticks=int(fields[19]))


def running(pid: int) -> ProcStat | None:
    """The process of this id if it runs; None for a zombie, too."""
    found = read(pid)
    return found if found and found.runs else None
