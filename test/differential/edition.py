"""What rounds against the PL/pgSQL edition leave out: what it lacks or does otherwise: doc/plpgsql-edition.md."""

import re

LEFT_OUT = re.compile("|".join([
    # It has no registry, no keys but bigint, none of these functions, and no events.
    r"crm_(attach|detach|doctor|erase_customer|export_comments|get_customer|import_comments|prune_history|timeline)\b",
    r"_by_key\b",
    r"crm_(delete|deleted|discard|edit|redact|refused|resolve|restore|revert|withdraw)_|crm_(deleted|update_records)\b",
    r"crm_(\w+_)?record_|crm_\w+_record\b",
    r"\bforce => ",
    r"crm_concurrency\.keep_refused",
    # It has not these tables, nor the column.
    r'"(customer_deletions|comment_edits|customer_refused_saves)"',
    r"\(ended_by\)",
    r"crm_concurrency\.events",
    # One snapshot shows it neither comments nor edit locks of others that are newer.
    r"ISOLATION LEVEL",
    # It says nothing of what TRUNCATE does not set aside.
    r"allow_truncate = on",
    # It notices late, and with other errors, that its triggers are off.
    r"session_replication_role",
    r"TRIGGER crm_history",
    # It does not support rules.
    r"\bRULE\b",
    # Where row security is forced on the owner, it binds what runs with the owner's rights.
    r"FORCE ROW LEVEL SECURITY",
    # Where the extension writes with the owner's rights, as to adopt a comment, it leaves nothing deferred: see also
    # is_fired_by_owner().
    r'TABLE "comments" .*(FOREIGN KEY|ALTER CONSTRAINT).* DEFERRABLE',
    # A json value in its history is JSON, and no string.
    r"^json$",
]))

# Settings that anybody may make without the library: here a superuser makes them.
OF_SUPERUSERS = ("crm_concurrency.author_setting", "crm_concurrency.max_comment_length")

# Columns that are named as variables of its functions.
VARIABLES = [
    "answered", "applied", "asked", "base", "changes", "current", "customer", "detail", "head", "head_operation",
    "now_status", "now_version", "problem", "result", "since", "stored", "total", "words", "write_status", "writer",
]


def is_common(text: str) -> bool:
    """Whether a statement, or a type, means the same to both."""
    return not LEFT_OUT.search(text)
