"""Writes what the tests run into doc/clients.md, or says where the page has something else.

A block there has the comment <!-- not run: tested in test/clients/FILE, REGION --> above it, and the file has the
region between the lines "region REGION" and "endregion".
"""

import re
import sys
import textwrap
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "doc/clients.md"
QUOTED = re.compile(r"(<!-- not run: tested in (\S+), (\w+) -->\n```\w+\n)(.*?)(```)", re.DOTALL)


def region(file, name):
    text = (PROJECT / file).read_text(encoding="utf-8")
    found = re.search(rf"^[ \t]*(?://|#) region {name}\n(.*?)^[ \t]*(?://|#) endregion$", text,
                      re.DOTALL | re.MULTILINE)
    if not found:
        raise SystemExit(f"{file} has no region {name}")
    return textwrap.dedent(found[1])


def main():
    written = PAGE.read_text(encoding="utf-8")
    current, quotations = QUOTED.subn(lambda match: match[1] + region(match[2], match[3]) + match[5], written)
    if quotations != written.count("tested in test/clients/"):
        raise SystemExit(f"{PAGE.name}: a comment \"tested in\" has no block below it, or no region")
    if sys.argv[1:] == ["--update"]:
        PAGE.write_text(current, encoding="utf-8")
    elif current != written:
        raise SystemExit(f"{PAGE.name} does not quote what is tested: test/clients/page.py --update writes it")
    print(f"{quotations} quotations")


if __name__ == "__main__":
    main()
