"""Where the instructions of an accepted save go, from two profiles of callgrind."""

import re
import subprocess
from pathlib import Path

# What each part of crm_update_customer() is called in the sources. The parts do not contain each other.
PARTS = {
    "finding and locking the customer's row, and reading it again":
        ("DirectAccessPath::fetch(", "DirectAccessPath::lock("),
    "looking for comments that refused saves left": ("crm::await_kept_comment(", "crm::find_adoptable_comment("),
    "looking for an edit lock": ("crm::find_edit_lock(",),
    "the digest of the request": ("crm::request_digest(",),
    "the new version of the customer's row": ("DirectAccessPath::update(",),
    "the comment, with its index": ("DirectAccessPath::insert_comment(",),
    "the row of history, with its two indexes": ("crm::insert_history(",),
}
# What is recorded while the customer's row is updated stands for itself.
INNER, OUTER = "the row of history, with its two indexes", "the new version of the customer's row"

FUNCTION, CORE = "crm_update_customer", "crm::save_customer("


def inclusive(profile: Path) -> dict[str, int]:
    """Instructions by function, those of the functions it calls included."""
    output = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(profile)],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    costs = {}
    for cost, name in re.findall(r"^ *([\d,]+) \([^)]*\) +\S*?:(.*?) \[[^]]*\]$", output, re.M):
        costs[name] = max(costs.get(name, 0), int(cost.replace(",", "")))
    return costs


def of(costs: dict[str, int], part: str) -> int:
    """The instructions of the function that has this in its name; none if it was not called."""
    return max((cost for name, cost in costs.items() if part in name and "with_save_in_progress" not in name),
               default=0)


def shares(few: dict[str, int], many: dict[str, int], calls: int, total: float) -> dict[str, float]:
    """Instructions per call by part of a save: the difference of two profiles with so many calls more."""
    def per_call(part: str) -> float:
        return (of(many, part) - of(few, part)) / calls

    parts = {label: sum(map(per_call, functions)) for label, functions in PARTS.items()}
    parts[OUTER] -= parts[INNER]
    for label, cost in parts.items():
        if cost <= 0:
            raise SystemExit(f"the profile does not show {label}: its function has another name now")
    function, core = per_call(FUNCTION), per_call(CORE)
    return {
        "the statement around the call": total - function,
        "arguments, rights, the attached table, the answer": function - core,
        **parts,
        "everything else": core - sum(parts.values()),
    }
