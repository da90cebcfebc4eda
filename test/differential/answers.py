"""Answers of a server, in a form that is the same wherever the same happened: times, versions and dice taken out."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from psycopg import pq

JSON_TYPES = {114, 3802}
TIME_TYPES = {1114, 1184}
UUID_TYPE = 2950

# Columns and JSON keys that hold versions of the customer that the row is about.
VERSION_NAMES = {"updated_at", "row_version", "version", "previous", "based_on", "adopted_version", "reverts"}
# Columns that tell whom a row is about.
KEY_NAMES = ("customer_id", "key", "id")
# Digests of something without times, which must be the same.
DIGEST_NAMES = {"refused_request"}

TIME = re.compile(r"\d{4,5}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::?\d\d)?)?")
EXPORTED_TIME = re.compile(r"\d\d?/\d\d?/\d{4}, \d\d?:\d\d:\d\d [AP]M")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The last value of a row in the detail of an error may be cut short.
CUT_UUID = re.compile(r"[0-9a-f]{1,8}(?:-[0-9a-f]{0,12})*\.\.\.")
OUR_UUID = "00000000-0000-4000-8000-"
NEAR = timedelta(days=30)

# What ALTER COLUMN TYPE says of one of those that need the column: the first in pg_depend, which keeps no order.
TYPE_IN_USE = "cannot alter type of a column used"

# By key, the ordinals of a customer's versions.
Versions = dict[str, dict[str, int]]


@dataclass
class Answer:
    """What a statement returned, notices included."""

    rows: list[dict[str, str | None]] = field(default_factory=list)
    types: dict[str, int] = field(default_factory=dict)
    tag: str = ""
    error: dict[str, str] | None = None
    notices: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Blocked:
    """A statement waits for another session."""


ERROR_FIELDS = {
    "sqlstate": pq.DiagnosticField.SQLSTATE,
    "message": pq.DiagnosticField.MESSAGE_PRIMARY,
    "detail": pq.DiagnosticField.MESSAGE_DETAIL,
    "hint": pq.DiagnosticField.MESSAGE_HINT,
    "schema": pq.DiagnosticField.SCHEMA_NAME,
    "table": pq.DiagnosticField.TABLE_NAME,
    "column": pq.DiagnosticField.COLUMN_NAME,
    "type": pq.DiagnosticField.DATATYPE_NAME,
    "constraint": pq.DiagnosticField.CONSTRAINT_NAME,
    "severity": pq.DiagnosticField.SEVERITY_NONLOCALIZED,
}


def fields_of(result: pq.abc.PGresult) -> dict[str, str]:
    """The fields of an error or a notice that are not about where in the program it arose."""
    fields = {name: result.error_field(code) for name, code in ERROR_FIELDS.items()}
    return {name: value.decode() for name, value in fields.items() if value is not None}


def answer_of(result: pq.abc.PGresult, notices: list[dict[str, str]]) -> Answer:
    answer = Answer(notices=list(notices))
    if result.status == pq.ExecStatus.FATAL_ERROR:
        answer.error = fields_of(result)
        return answer
    answer.tag = (result.command_status or b"").decode()
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    answer.types = {name: result.ftype(column) for column, name in enumerate(names)}
    for row in range(result.ntuples):
        values = (result.get_value(row, column) for column in range(result.nfields))
        answer.rows.append({name: None if value is None else value.decode() for name, value in zip(names, values)})
    return answer


def instant(text: str) -> datetime | None:
    """A time as PostgreSQL writes it, in SQL or JSON; None when Python has none for it."""
    padded = re.sub(r"\.\d+", lambda fraction: fraction[0].ljust(7, "0"), text)
    try:
        time = datetime.fromisoformat(padded)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def canonical_time(text: str) -> str:
    """One form for all that name the same moment."""
    time = instant(text)
    return text if time is None else time.astimezone(timezone.utc).isoformat(timespec="microseconds")


def is_near(time: datetime | None) -> bool:
    return time is not None and abs(time - datetime.now(timezone.utc)) < NEAR


def hide_time(text: str) -> str:
    """Times that a clock gave, as opposed to those that the steps give."""
    return "<time>" if is_near(instant(text)) else text


def hide_exported_time(text: str) -> str:
    time = datetime.strptime(text, "%m/%d/%Y, %I:%M:%S %p")
    return "<time>" if is_near(time.replace(tzinfo=timezone.utc)) else text


def hide_dice(text: str) -> str:
    """A text without the times and UUIDs that differ from run to run."""
    text = TIME.sub(lambda match: hide_time(match[0]), text)
    text = EXPORTED_TIME.sub(lambda match: hide_exported_time(match[0]), text)
    text = UUID.sub(lambda match: match[0] if match[0].startswith(OUR_UUID) else "<uuid>", text)
    return CUT_UUID.sub("<uuid>...", text)


def version_label(text: str, versions: dict[str, int]) -> str:
    """A version by its place in the history."""
    ordinal = versions.get(canonical_time(text))
    return hide_time(text) if ordinal is None else f"<version {ordinal}>"


def plain_json(value: Any, name: str, versions: dict[str, int]) -> Any:
    if isinstance(value, dict):
        # Of what is set aside, numbers tell no more than in which order it was.
        hidden = {"id"} if "transaction_id" in value else set()
        return {key: plain_json(item, key, versions) for key, item in value.items() if key not in hidden}
    if isinstance(value, list):
        return [plain_json(item, name, versions) for item in value]
    if name == "transaction_id":
        return "<transaction>"
    if isinstance(value, str):
        return version_label(value, versions) if name in VERSION_NAMES and TIME.fullmatch(value) else hide_dice(value)
    return value


def plain_detail(detail: Any) -> Any:
    """Without what hangs on the millisecond: which comments came after the base was made, where the caller may not read
    the history, or the base is no version."""
    is_refusal = isinstance(detail, dict) and "conflicts" in detail
    if is_refusal and ("changes" not in detail or "expected_ts_problem" in detail):
        for name in ("comments", "comments_total"):
            detail.pop(name, None)
    return detail


def plain_value(name: str, type_oid: int, value: str | None, versions: dict[str, int]) -> Any:
    if value is None:
        return None
    if type_oid in JSON_TYPES:
        return plain_json(plain_detail(json.loads(value, parse_float=str)), name, versions)
    if type_oid in TIME_TYPES:
        return version_label(value, versions) if name in VERSION_NAMES else hide_time(value)
    if name in DIGEST_NAMES:
        return value
    if name == "transaction_id":
        return "<transaction>"
    return hide_dice(value)


def key_of(row: dict[str, str | None], key: str | None, versions: Versions) -> str | None:
    """Whom a row is about: what it says itself, else whom the statement is about."""
    for name in KEY_NAMES:
        value = row.get(name)
        if value is not None and value in versions:
            return value
    return key_in(row.get("detail"), key)


def key_in(detail: str | None, key: str | None) -> str | None:
    """Whom the detail of a refusal is about: a refused save is named by its own number."""
    if detail is None or not detail.startswith("{"):
        return key
    named: str | None = json.loads(detail).get("key", key)
    return named


def plain_rows(answer: Answer, key: str | None, versions: Versions) -> list[dict[str, Any]]:
    rows = []
    for row in answer.rows:
        own = versions.get(key_of(row, key, versions) or "", {})
        hidden = {"id"} if "transaction_id" in row else set()
        rows.append({name: plain_value(name, answer.types[name], value, own) for name, value in row.items()
                     if name not in hidden})
    return rows


def plain_error(error: dict[str, str], key: str | None, versions: Versions) -> dict[str, Any]:
    rest: dict[str, Any] = {name: hide_dice(value) for name, value in error.items()}
    if error["sqlstate"] == "0A000" and error["message"].startswith(TYPE_IN_USE):
        rest["message"] = TYPE_IN_USE
        rest.pop("detail", None)
    if error["sqlstate"].startswith("PT4") and error.get("detail", "").startswith("{"):
        detail = plain_detail(json.loads(error["detail"], parse_float=str))
        rest["detail"] = plain_json(detail, "", versions.get(key_in(error["detail"], key) or "", {}))
    return rest


def leave_out(common: Any, names: tuple[str, ...]) -> None:
    """Takes parts of what a refusal says away."""
    details = [row.get("detail") for row in common.get("rows", [])] + [common.get("error", {}).get("detail")]
    for detail in details:
        if isinstance(detail, dict):
            for name in names:
                detail.pop(name, None)


def plain(answer: Answer | Blocked, key: str | None, versions: Versions) -> Any:
    """What must be equal on all sides."""
    if isinstance(answer, Blocked):
        return "waits for another session"
    notices = [plain_error(notice, key, versions) for notice in answer.notices]
    if answer.error is not None:
        return {"error": plain_error(answer.error, key, versions), "notices": notices}
    return {"tag": answer.tag, "rows": plain_rows(answer, key, versions), "notices": notices}
