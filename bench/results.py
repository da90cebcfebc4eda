"""What the benchmark measured."""

from dataclasses import dataclass, field

SMOKE_RUN = "Smoke run: every experiment for a moment, to see that it works; the figures are not to be cited."


@dataclass
class Aim:
    """Something measured, and what it should be."""

    what: str
    target: float
    measured: float
    unit: str = ""
    at_most: bool = False
    spread: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the target is reached."""
        return self.measured <= self.target if self.at_most else self.measured >= self.target


@dataclass
class Results:
    """Everything that was measured."""

    aims: list[Aim] = field(default_factory=list)
    rates: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # by experiment and peer, saves/s by round
    latencies: dict[str, list[float]] = field(default_factory=dict)  # by peer, milliseconds
    instructions: dict[str, dict[str, float]] = field(default_factory=dict)  # by size of the database and peer
    processor: dict[str, dict[int, float]] = field(default_factory=dict)  # by peer and clients, microseconds per save
    between: dict[str, dict[str, float]] = field(default_factory=dict)  # by peer and what is done, microseconds
    bulk: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)  # by statement, contender and cost
    verify: dict[str, dict[str, float]] = field(default_factory=dict)  # by statement and cost
    plain: dict[str, float] = field(default_factory=dict)  # by contender, instructions of a plain UPDATE
    by_clients: dict[str, dict[int, float]] = field(default_factory=dict)  # by peer, saves/s
    cold: dict[str, dict[str, float]] = field(default_factory=dict)  # by peer, lines of 64 bytes per call
    cold_shares: dict[str, float] = field(default_factory=dict)  # by part of an accepted save, lines
    shares: dict[str, float] = field(default_factory=dict)  # by part of an accepted save, instructions
