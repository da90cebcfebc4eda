#!/usr/bin/python3
"""Prints what calls cost on several versions of PostgreSQL, of what bench/run --only instructions found on each."""

import argparse
import json
from pathlib import Path

from tabulate import tabulate

OURS, PEER = "crm_update_customer", "(a) PL/pgSQL, three statements"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, help="a results.json of bench/run")
    columns: dict[str, dict[str, float]] = {}
    for path in parser.parse_args().results:
        results = json.loads(path.read_text())
        columns[results["machine"]["PostgreSQL"].split()[0]] = results["instructions"]["small"]
    rows = [[label] + [f"{costs[label]:,.0f}" for costs in columns.values()] for label in next(iter(columns.values()))]
    rows.append([f"{OURS} against (a)"] + [f"{costs[OURS] / costs[PEER]:.3f}" for costs in columns.values()])
    print(tabulate(rows, headers=("instructions per call", *columns), tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
