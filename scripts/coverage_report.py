"""How many lines of src/ were run, from what gcovr counted."""

import argparse
import json
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def row(name: str, counts: list[int]) -> str:
    """A file or directory, with its lines, those that were run, and their share."""
    run = sum(count > 0 for count in counts)
    return f"{name:40}{len(counts):7}{run:7}{100 * run / len(counts):8.1f} %"


def main() -> None:
    """Prints the lines that were not run if they are asked for, and then the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path, metavar="JSON", help="as gcovr --json writes it")
    parser.add_argument("--uncovered", action="store_true", help="prints the lines that were not run")
    arguments = parser.parse_args()

    files: dict[str, dict[int, int]] = {}
    for file in json.loads(arguments.lines.read_text())["files"]:
        counts = {line["line_number"]: line["count"] for line in file["lines"] if not line.get("gcovr/noncode")}
        if counts:
            files[file["file"]] = counts

    if arguments.uncovered:
        for name, counts in sorted(files.items()):
            source = (PROJECT / name).read_text().splitlines()
            for number, count in sorted(counts.items()):
                if count == 0:
                    print(f"{name}:{number}: {source[number - 1].strip()}")
        print()

    directories: dict[str, list[int]] = defaultdict(list)
    print(f"{'':40}{'lines':>7}{'run':>7}")
    for name, counts in sorted(files.items()):
        directories[str(Path(name).parent)] += counts.values()
        print(row(name, list(counts.values())))
    print()
    for name, all_counts in sorted(directories.items()):
        print(row(name, all_counts))
    print(row("in all", [count for counts in directories.values() for count in counts]))


main()
