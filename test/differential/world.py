"""What the steps of a round are, and what is known of the sessions that make them."""

from dataclasses import dataclass, field

ADMIN = -1  # the session of who owns the tables: never in a transaction, and at work when no other is


@dataclass
class Step:
    """One statement of one session. @ref 7@ in it stands for what a side got as number 7, @cut 7@ for its whole
    seconds."""

    session: int
    sql: str
    key: str | None = None  # the customer that it is about
    kind: str = "statement"  # or cancel: of what the session is waiting with
    gives: str = ""  # a column of the answer that becomes a reference
    needs_clock: bool = False  # to be sent when the clock has passed all versions
    is_unordered: bool = False  # what happened in one millisecond has no order


@dataclass
class SessionState:
    """What is known of a session."""

    in_transaction: bool = False
    has_failed: bool = False
    is_blocked: bool = False
    is_alone: bool = False  # SERIALIZABLE: what it depends on hangs on plans, so nobody else does anything
    must_end: bool = False  # it may hold a lock on one side alone
    has_timeout: bool = False
    has_savepoint: bool = False
    refs: list[int] = field(default_factory=list)  # made in this transaction


@dataclass
class World:
    """What all sides have in common. References, comments and refused saves are by the customer's key."""

    sessions: list[SessionState]
    versions: dict[str, list[int]] = field(default_factory=dict)
    locks: dict[str, list[int]] = field(default_factory=dict)
    comments: dict[str, list[int]] = field(default_factory=dict)
    refused: dict[str, list[int]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # customers that were not there lately
    next_ref: int = 1
    keeps_refused: bool = False  # refused saves are kept whole

    def forget(self, refs: list[int]) -> None:
        """A version that was rolled back may be given anew, on one side and not on the other."""
        for known in (self.versions, self.locks):
            for key in known:
                known[key] = [ref for ref in known[key] if ref not in refs]

    @property
    def someone_waits(self) -> bool:
        return any(state.is_blocked for state in self.sessions)

    @property
    def is_quiet(self) -> bool:
        """Whether no session holds a lock."""
        return not any(state.in_transaction or state.is_blocked for state in self.sessions)
