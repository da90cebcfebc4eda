"""Where the cost of an accepted save goes, from two profiles of callgrind."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Beside instructions: what a cache of 512 kB misses, by lines of 64 bytes, as the second level of a processor's cache.
CACHE = ("--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=524288,8,64")
INSTRUCTIONS = ("Ir",)
CODE_LINES, LINES = ("ILmr",), ("ILmr", "DLmr", "DLmw")

# What each part of crm_update_customer() is called in the sources. The parts do not contain each other.
PARTS = {
    "finding and locking the customer's row": ("DirectAccessPath::take(", "DirectAccessPath::lock("),
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


@dataclass(frozen=True)
class Counted:
    """What callgrind counted of a server process for some statements."""

    output: str
    events: dict[str, int]
    profile: Path  # until the next is made

    def sum(self, events: Sequence[str]) -> int:
        """How many there were of these."""
        return sum(self.events[event] for event in events)

    def by_function(self, events: Sequence[str]) -> dict[str, int]:
        """How many there were in each function, those of the functions it calls included."""
        output = subprocess.run(
            ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--show-percs=no",
             f"--show={','.join(events)}", str(self.profile)],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        costs: dict[str, int] = {}
        for figures, name in re.findall(r"^((?: *[\d,.]+)+?) +\S*?:(.*?) \[[^]]*\]$", output, re.M):
            cost = sum(int(figure.replace(",", "")) for figure in figures.split() if figure != ".")
            costs[name] = max(costs.get(name, 0), cost)
        return costs


def of(costs: dict[str, int], part: str) -> int:
    """The cost of the function that has this in its name; none if it was not called."""
    return max((cost for name, cost in costs.items() if part in name and "with_save_in_progress" not in name),
               default=0)


def shares(few: dict[str, int], many: dict[str, int], calls: int, total: float) -> dict[str, float]:
    """Cost per call by part of a save: the difference of two profiles with so many calls more."""
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
