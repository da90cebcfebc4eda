"""The sides that are compared: each a database of its own, with the extension and one setting of the access path, or
with the PL/pgSQL edition."""

import select
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from answers import Answer, Blocked, answer_of, fields_of

EDITION = Path(__file__).parents[2] / "plpgsql" / "crm_concurrency.sql"

# Long before this, a statement that waits for nobody has answered.
PATIENCE = 60.0

# What each session begins with: nothing that hangs on how fast the machine is. Plans without sequential scans would
# look dear enough to be compiled.
SESSION = """
    SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex';
    SET client_min_messages = notice; SET deadlock_timeout = '10min'; SET jit = off; SET extra_float_digits = 1;
    SET crm_concurrency.repeated_comment_window = '1h';
"""


class Hangs(Exception):
    """A statement neither answers nor waits for another session."""


class Session:
    """A connection that statements are sent to without waiting for the answer."""

    def __init__(self, dsn: str, settings: str) -> None:
        self.connection = pq.PGconn.connect(dsn.encode())
        if self.connection.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(self.connection.error_message.decode())
        self.notices: list[dict[str, str]] = []
        self.connection.notice_handler = lambda notice: self.notices.append(fields_of(notice))
        self.run(SESSION + settings)

    def send(self, sql: str) -> None:
        self.notices.clear()
        self.connection.send_query(sql.encode())

    def has_answered(self, seconds: float) -> bool:
        """Whether the answer is there, or comes within these seconds."""
        end = time.monotonic() + seconds
        while self.connection.is_busy():
            left = end - time.monotonic()
            if left < 0:
                return False
            if select.select([self.connection.socket], [], [], left)[0]:
                self.connection.consume_input()
        return True

    def answer(self) -> Answer:
        last = None
        while (result := self.connection.get_result()) is not None:
            last = result
            if last.status == pq.ExecStatus.FATAL_ERROR:
                while self.connection.get_result() is not None:
                    pass
                break
        if last is None or self.connection.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(f"the connection is lost: {self.connection.error_message.decode()}")
        return answer_of(last, self.notices)

    def run(self, sql: str) -> Answer:
        """Runs what must succeed."""
        self.send(sql)
        if not self.has_answered(PATIENCE):
            raise Hangs(sql)
        answer = self.answer()
        if answer.error is not None:
            raise psycopg.DatabaseError(f"{answer.error} in: {sql}")
        return answer

    def cancel(self) -> None:
        self.connection.get_cancel().cancel()

    @property
    def is_in_transaction(self) -> bool:
        return self.connection.transaction_status != pq.TransactionStatus.IDLE

    @property
    def is_busy(self) -> bool:
        return self.connection.transaction_status == pq.TransactionStatus.ACTIVE

    @property
    def has_failed(self) -> bool:
        return self.connection.transaction_status == pq.TransactionStatus.INERROR

    def notifications(self) -> list[str]:
        self.run("SELECT 1")
        payloads = []
        while (notification := self.connection.notifies()) is not None:
            payloads.append(notification.extra.decode())
        return payloads

    def close(self) -> None:
        self.connection.finish()


@dataclass(frozen=True)
class Kind:
    """How a side comes to its functions, and what its sessions set."""

    name: str
    settings: str
    setup: str
    is_edition: bool = False


def extension(access_path: str) -> Kind:
    return Kind(access_path, f"LOAD 'crm_concurrency'; SET crm_concurrency.access_path = {access_path};",
                "CREATE EXTENSION crm_concurrency; CREATE EXTENSION citext")


def edition() -> Kind:
    """The PL/pgSQL edition, which crm_create_tables() installs in the schema that is to have its tables.

    These get the columns of what it lacks, which triggers of others see too.
    """
    shim = f"""CREATE FUNCTION public.crm_create_tables() RETURNS regclass LANGUAGE plpgsql AS $shim$
        BEGIN
            EXECUTE $edition${EDITION.read_text(encoding="utf-8")}$edition$;
            ALTER TABLE comments ADD edited_at timestamptz, ADD edited_by text, ADD withdrawn_at timestamptz;
            ALTER TABLE customer_locks ADD ended_at timestamptz, ADD ended_by text, ADD ended_db_user text;
            ALTER TABLE customer_history ADD reverts timestamptz;
            RETURN 'customers'::regclass;
        END $shim$"""
    return Kind("edition", "", shim, True)


KINDS = {kind.name: kind for kind in (extension("auto"), extension("spi"), edition())}


@dataclass
class Side:
    """One side: its sessions, an observer that is in nobody's way, and what its clock and dice gave to it."""

    kind: Kind
    dsn: str
    observer: Session
    sessions: list[Session] = field(default_factory=list)
    refs: dict[int, str] = field(default_factory=dict)  # versions and edit locks by the number that the steps use
    versions: dict[str, dict[str, int]] = field(default_factory=dict)  # by key: ordinals of versions, as of last look
    session_settings: str = ""
    patience: float = 0.01  # after these seconds it is asked whether a session waits for another

    def open_sessions(self, count: int, settings: str) -> None:
        self.close_sessions()
        self.refs.clear()
        self.versions.clear()
        self.session_settings = self.kind.settings + settings
        self.sessions = [Session(self.dsn, self.session_settings) for _ in range(count)]

    def reopen_session(self, number: int) -> None:
        self.sessions[number].close()
        self.sessions[number] = Session(self.dsn, self.session_settings)

    def close_sessions(self) -> None:
        for session in self.sessions:
            session.close()
        self.sessions = []

    def wait(self, session: Session, sql: str, may_block: bool = True) -> Answer | Blocked:
        """The answer to what was sent, or that another session is being waited for."""
        pid = session.connection.backend_pid
        pids = {other.connection.backend_pid for other in self.sessions}
        end = time.monotonic() + PATIENCE
        pause = self.patience
        while not session.has_answered(pause):
            if may_block and pids & self.blocking(pid) and not session.has_answered(0):
                return Blocked()
            if time.monotonic() > end:
                raise Hangs(f"{self.kind.name}: {sql}")
            pause = min(pause * 2, 0.1)
        return session.answer()

    def blocking(self, pid: int) -> set[int]:
        """Who a session waits for."""
        rows = self.observer.run(f"SELECT unnest(pg_blocking_pids({pid})) AS pid").rows
        return {int(row["pid"]) for row in rows}


def create_side(dsn: str, name: str, kind: Kind) -> Side:
    """Makes the database of a side anew."""
    database = f"{name}_{kind.name}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {database}")
    own = make_conninfo(dsn, dbname=database)
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute(kind.setup)
    return Side(kind, own, Session(own, kind.settings + "LISTEN crm_concurrency;"))


def drop_side(side: Side, dsn: str) -> None:
    side.close_sessions()
    side.observer.close()
    database = conninfo_to_dict(side.dsn)["dbname"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
