"""Values and names in SQL."""

import json
from typing import Any


def literal(value: Any) -> str:
    """A value as an untyped literal."""
    if value is None:
        return "NULL"
    text = value if isinstance(value, str) else json.dumps(value)
    prefix = "E" if "\\" in text else ""
    return prefix + "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def name(text: str) -> str:
    """A name, always quoted."""
    return '"' + text.replace('"', '""') + '"'
