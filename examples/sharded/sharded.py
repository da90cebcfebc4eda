"""A client that calls each function in the database that has the customer."""

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

# What can be sent again when its answer was lost: what was applied is answered as replayed, or has the same result.
REPEATABLE = re.compile(r"crm_(update_(customer|customer_by_key|record)|(delete|restore|revert)_(customer|record)|"
                        r"(edit|withdraw)(_record)?_comment|get_(customer|customer_by_key|record)|(record_)?timeline|"
                        r"timeline_by_key)")

# The server ended, refuses or does not know the connection: PgBouncer and a partition that has moved say so too.
AWAY = re.compile(r"08...|57P0[123]|53300|3D000")


def is_power_of_two(number: int) -> bool:
    return 0 < number <= 2**30 and number & (number - 1) == 0


def partition_of(key: str | int, partitions: int) -> int:
    """What crm_partition_of() answers."""
    if not is_power_of_two(partitions):
        raise ValueError(f"partitions must be a power of two, not {partitions}")
    return int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:4], "big") % partitions


def canonical_key(key: str | int | uuid.UUID, key_type: str) -> str:
    """The one spelling of a key, of type bigint, uuid or text, by which it is routed."""
    if key_type == "text":
        return str(key)
    if key_type == "uuid":
        return str(uuid.UUID(str(key)))
    if key_type != "bigint":
        raise ValueError(f"keys are of type bigint, uuid or text, not {key_type}")
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", str(key)):
        raise ValueError(f"{key!r} is no bigint")
    return str(int(key))


def in_order(rows: Sequence[tuple[int, str]]) -> list[str]:
    connections = dict(rows)
    if sorted(connections) != list(range(len(rows))) or not is_power_of_two(len(rows)):
        raise ValueError("the partitions are not all numbers from 0 on, a power of two of them")
    return [connections[number] for number in range(len(rows))]


def from_file(path: str | Path) -> Callable[[], list[str]]:
    """Reads the partitions from a file with a line NUMBER|CONNECTION for each, which move_partition --file keeps."""
    def read() -> list[str]:
        rows = [line.split("|", 1) for line in Path(path).read_text(encoding="utf-8").splitlines() if line]
        return in_order([(int(number), connection) for number, connection in rows])
    return read


def from_proxy(connection: str) -> Callable[[], list[str]]:
    """Reads the partitions from the database of a proxy, where move_partition --proxy tells of a new place."""
    def read() -> list[str]:
        with psycopg.connect(connection) as proxy:
            return in_order(proxy.execute("SELECT partition, connection FROM crm_proxy.partitions()").fetchall())
    return read


class Partition:
    """A database, and the connections to it that are not in use."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self.idle: list[psycopg.Connection[dict[str, Any]]] = []

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()


class Sharded:
    """Several databases behind one call, for several threads at once. It does not limit the connections, of which
    there are as many as calls at the same time: let PgBouncer stand before each server.

    read: from_file() or from_proxy(); key_type: bigint, uuid or text; patience: seconds for which a partition that is
    away is asked again; prepare: prepares statements, which PgBouncer can pool from 1.21 on; parameters: what each
    connection string lacks, as user and password."""

    def __init__(self, read: Callable[[], list[str]], key_type: str = "bigint", patience: float = 10,
                 prepare: bool = False, **parameters: str) -> None:
        self._read = read
        self._key_type = key_type
        self._patience = patience
        self._prepare_threshold = 0 if prepare else None
        self._parameters = parameters
        self._lock = threading.Lock()
        self._partitions = [Partition(connection) for connection in read()]

    def call(self, name: str, key: str | int, *values: object) -> dict[str, Any] | None:
        """Runs a function of the extension whose customer has this key; the first row of its result."""
        if not re.fullmatch("crm_[a-z_]+", name):
            raise ValueError(f"{name} is no function of crm_concurrency")
        rows = self.query(key, f"SELECT * FROM {name}({', '.join(['%s'] * (1 + len(values)))})", (key, *values),
                          repeatable=bool(REPEATABLE.fullmatch(name)))
        return rows[0] if rows else None

    def query(self, key: str | int, statement: str, values: Sequence[object] = (), *,
              repeatable: bool = False) -> list[dict[str, Any]]:
        """Runs one statement that returns rows, where the customer is. It is sent again where no connection could be
        made, and when its answer was lost only if it is repeatable: sending it twice does no more than sending
        it once."""
        number = partition_of(canonical_key(key, self._key_type), len(self._partitions))
        until = time.monotonic() + self._patience
        pause = 0.02
        while True:
            partition = self._partitions[number]
            session = None
            try:
                session = self._take(partition)
                rows = session.execute(statement, values).fetchall()
                self._give_back(partition, session)
                return rows
            except psycopg.Error as error:
                is_away = session is None or session.broken or bool(AWAY.fullmatch(error.sqlstate or ""))
                if session is not None and is_away:
                    session.close()
                elif session is not None:
                    self._give_back(partition, session)
                # What has moved refuses writes at its old place.
                is_refused = error.sqlstate == "55000"
                if not (is_away and (session is None or repeatable)) and not is_refused:
                    raise
                self._refresh(partition)
                if is_refused and self._partitions[number] is partition or time.monotonic() > until:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    def close(self) -> None:
        for partition in self._partitions:
            partition.close()

    def _take(self, partition: Partition) -> psycopg.Connection[dict[str, Any]]:
        with self._lock:
            if partition.idle:
                return partition.idle.pop()
        return psycopg.connect(make_conninfo(partition.connection, **self._parameters), autocommit=True,
                               row_factory=dict_row, prepare_threshold=self._prepare_threshold)

    def _give_back(self, partition: Partition, session: psycopg.Connection[dict[str, Any]]) -> None:
        with self._lock:
            if any(each is partition for each in self._partitions):
                partition.idle.append(session)
                return
        session.close()

    def _refresh(self, failed: Partition) -> None:
        """Who fails at the same time reads once."""
        with self._lock:
            if all(each is not failed for each in self._partitions):
                return
            failed.close()
            try:
                connections = self._read()
            except (OSError, psycopg.Error):
                return  # it may be away itself: what is known still holds, and the call's own error is the one to tell
            if len(connections) != len(self._partitions):
                raise ValueError(f"{len(connections)} partitions, and there were {len(self._partitions)}")
            for number, connection in enumerate(connections):
                if connection != self._partitions[number].connection:
                    self._partitions[number].close()
                    self._partitions[number] = Partition(connection)
