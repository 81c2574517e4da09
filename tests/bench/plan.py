"""What one run of the bench does: whom it measures, with which photos, how often and for how long."""

from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from tests.bench.record import PEERS, SIZES, Name, PhotoSize

_START_S: Final = 6.0
_OPEN_START_S: Final = 4.0
"""Of the load generator."""
EVERYONE: Final[tuple[Name, ...]] = ("ours", *PEERS)


class Turn(NamedTuple):
    """A while in which one contestant is measured."""

    name: Name
    warm_s: float
    seconds: float


class Plan(BaseModel):
    """Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[Name, ...] = EVERYONE
    photos: tuple[PhotoSize, ...] = tuple(SIZES)
    connections: tuple[int, ...] = (2, 4, 8, 16)
    repeats: dict[PhotoSize, int] = {"640x480": 3, "1920x1080": 1}
    """Rounds for each number of connections: 12 at 640x480, which the bars are about, and 4 at 1920x1080."""
    warm_s: float = 0.7
    round_s: float = 3.0
    slice_warm_s: float = 0.15
    slice_s: float = 0.4
    slices: int = 12
    """Ours and the ceiling have a round in so many slices, in turn."""
    trial_s: float = 3.0
    """A layout that is tried."""
    shares: tuple[float, ...] = (0.5, 0.8)
    """Of each one's own saturation, for the open loop."""
    share_s: float = 2.0
    """Closed loop before each open run, to know what that is."""
    tails: int = 3
    """Open runs of ours at the share that a bar is about."""
    alone_s: float = 1.0
    """One photo after the other in one process, before and after each of those."""
    open_requests: int = 460
    """Asked for in an open run: p99 is known at 99 % confidence from 459 on (notes of MLPerf's early stopping)."""
    open_s: tuple[float, float] = (10.0, 20.0)
    """Shortest and longest open run."""
    overhead_connections: int = 8
    overhead_repeats: int = 3
    quick: bool = False

    @property
    def rounds(self) -> list[tuple[PhotoSize, int, int]]:
        """(photo, connections, number) of each round; numbers count on through the connections of a photo."""
        return [
            (photo, count, repeat * len(self.connections) + place)
            for photo in self.photos
            for repeat in range(self.repeats[photo])
            for place, count in enumerate(self.connections)
        ]

    def turns(self, names: tuple[Name, ...], number: int) -> list[Turn]:
        """Who goes after whom in round `number`: nobody is always first.

        A shared machine's speed changes by half within seconds. The ratio of ours to the ceiling has the tightest bar,
        so these two take turns of less than that, each as often first as second.
        """
        pair: tuple[Name, ...] = tuple(name for name in ("ceiling", "ours") if name in names)
        blocks = [[Turn(name, self.warm_s, self.round_s)] for name in names if name not in pair]
        if pair:
            orders = (pair, pair[::-1])
            blocks.insert(
                0,
                [
                    Turn(name, self.slice_warm_s, self.slice_s)
                    for place in range(self.slices)
                    for name in orders[(number + place) % 2]
                ],
            )
        first = number % len(blocks) if blocks else 0
        return [turn for block in blocks[first:] + blocks[:first] for turn in block]

    @property
    def expected_s(self) -> float:
        """About how long it takes on two cores: starting a server is most of what is not measuring."""
        peers = len(self.names)
        tuning = peers * 2 * (_START_S + self.trial_s)
        closed = peers * _START_S + len(self.rounds) * sum(
            turn.warm_s + turn.seconds for turn in self.turns(self.names, 0)
        )
        open_s = sum(self.open_s) / 2 + _OPEN_START_S + self.warm_s + self.share_s
        opened = peers * len(self.photos) * len(self.shares) * open_s
        tail_s = open_s + sum(self.open_s) / 2 + 2 * self.alone_s  # once more without the server
        tails = len(self.photos) * (self.tails * tail_s - open_s)
        empty = 5 * (_START_S + self.overhead_repeats * (self.warm_s + self.round_s))
        return tuning + closed + opened + tails + empty

    def open_duration_s(self, rate: float) -> float:
        """How long an open run at `rate` a second lasts."""
        shortest, longest = self.open_s
        return min(longest, max(shortest, self.open_requests / rate))


def quick(plan: Plan) -> Plan:
    """A short run that shows whether everything works; its figures certify nothing."""
    return plan.model_copy(
        update={
            "quick": True,
            "photos": plan.photos[:1],
            "connections": (2, 8),
            "repeats": dict.fromkeys(SIZES, 1),
            "round_s": 2.0,
            "slices": 4,
            "tails": 1,
            "trial_s": 1.5,
            "shares": (0.5,),
            "share_s": 1.0,
            "open_s": (5.0, 5.0),
            "overhead_repeats": 1,
        }
    )
