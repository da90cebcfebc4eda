"""Prints which library does what, of the file that CLIENTS_MATRIX named."""

import json
import sys
from pathlib import Path

CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))


def main():
    results = {}
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        library, case, result = line.split("\t")
        results.setdefault(library, {})[case] = result
    reasons = []
    width = max(map(len, results))
    print(" " * width, *CASES, sep=" | ")
    for library, of_case in sorted(results.items(), key=lambda item: item[0].lower()):
        cells = []
        for case in CASES:
            result = of_case.get(case, "MISSING")
            if result not in ("ok", "FAILED", "MISSING"):
                if result not in reasons:
                    reasons.append(result)
                result = f"({reasons.index(result) + 1})"
            cells.append(result.ljust(len(case)))
        print(library.ljust(width), *cells, sep=" | ")
    for number, reason in enumerate(reasons, 1):
        print(f"({number}) does not apply: {reason}")


if __name__ == "__main__":
    main()
