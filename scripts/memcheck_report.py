"""What valgrind's memcheck found in server processes that the extension has a part in."""

import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

MODULE = "crm_concurrency.so"


@dataclass(frozen=True)
class Process:
    """What memcheck wrote about one process."""

    has_ended: bool
    ran_module: bool
    errors: list[ET.Element]


def read(file: Path) -> Process:
    """Reads a file as memcheck writes it; a process that was killed leaves one that ends early."""
    has_ended, errors, objects = False, [], set()
    parser = ET.XMLPullParser(["end"])
    parser.feed(file.read_bytes())
    for _, element in parser.read_events():
        match element.tag:
            case "error":
                errors.append(element)
            case "obj":
                objects.add(Path(element.text or "").name)
            case "state":
                has_ended = has_ended or element.text == "FINISHED"
    return Process(has_ended, MODULE in objects, errors)


def is_ours(error: ET.Element) -> bool:
    """Whether one of the calls that led to the error is of the extension."""
    return any(Path(frame.text or "").name == MODULE for frame in error.iter("obj"))


def shown(error: ET.Element) -> str:
    """An error as text, with its stacks."""
    lines = []
    for part in error:
        match part.tag:
            case "what" | "auxwhat":
                lines.append(part.text or "")
            case "xwhat" | "xauxwhat":
                lines.append(part.findtext("text", ""))
            case "stack":
                for frame in part.iter("frame"):
                    place = f"{frame.findtext('file')}:{frame.findtext('line')}" if frame.find("file") is not None \
                        else Path(frame.findtext("obj", "?")).name
                    lines.append(f"    {frame.findtext('fn', frame.findtext('ip', '?'))} ({place})")
    return "\n".join(lines)


def main() -> int:
    """Prints each error of the extension once, and how many processes were looked at."""
    processes = [read(file) for file in sorted(Path(sys.argv[1]).glob("*.xml"))]
    cut_off = sum(not process.has_ended for process in processes)
    found = dict.fromkeys(shown(error) for process in processes for error in process.errors if is_ours(error))
    others = sum(not is_ours(error) for process in processes for error in process.errors)
    for error in found:
        print(error, end="\n\n")
    print(f"{len(processes)} server processes checked, {cut_off} of them to no end: {len(found)} errors of {MODULE}, "
          f"{others} of PostgreSQL alone")
    return int(bool(found or cut_off or not processes))


sys.exit(main())
