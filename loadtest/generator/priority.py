"""Making starts on time on a machine that does other work too, for example the work that is being measured.

A sending process sleeps nearly all the time and needs a processor at once when a start is due; with ordinary priority
it waits for whoever computes. Beside four busy loops on two cores 32 % of 150 starts a second were over 5 ms late, with
real-time priority none (docs/measurements.md). It computes no more for it, and the kernel keeps 5 % for others; but a
server on the same machine gets the processor only when the generator leaves it, so what the generator takes (about
0.2 ms a request with checked answers) is taken from the server. Results say whether it was granted.
"""

import os


def go_first() -> bool:
    """Give this process real-time round-robin priority, the lowest there is; False where it may not (not root)."""
    try:
        # Reset on fork: whatever this process starts is ordinary again.
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (AttributeError, OSError):  # another system, no right, or a control group without real-time share
        return False
    return True
