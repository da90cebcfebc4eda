"""Runs the blocks of pages in Markdown, and compares what comes of it with what they show, as CONTRIBUTING.md says."""

import argparse
import difflib
import os
import re
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

import prose
from markdown_it import MarkdownIt

PROJECT = Path(__file__).resolve().parents[2]

# A page of which each block but the first has a fault to be found.
FAULTS = "test/docs/faults.md"

# That of doc/README.md, and so not the one that scripts/cluster makes: pages name neither.
DATABASE = "try"

# Seconds after which a block hangs.
PATIENCE = 120

LEFT_OUT = re.compile(r"<!-- not run: (.+) -->")
ENDED = re.compile(r"(;|^\s*\\.*|\\g\w*.*)\s*(--.*)?\Z", re.MULTILINE)
FAILURE = re.compile(r"(ERROR|FATAL|PANIC|.*\berror): |invalid command |(no rows|more than one row) returned ")

# What differs from run to run; with it the widths of columns do.
MASKS = [
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b(PID|sz:) \d+"), "N"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "DURATION"),
    (re.compile(r"-{3,}"), "---"),
    (re.compile(r" +"), " "),
]


def mask(line):
    for pattern, replacement in MASKS:
        line = pattern.sub(replacement, line)
    return line.strip()


@dataclass
class Block:
    page: str
    line: int
    language: str
    text: str
    left_out: str | None = None
    # the output that the page shows, and the lines that it takes there
    expected: list[str] | None = None
    place: slice | None = None
    got: list[str] = field(default_factory=list)
    problem: str | None = None

    def __str__(self):
        return f"{self.page}:{self.line} {self.language}"

    def differs(self):
        return self.expected is not None and [mask(line) for line in self.expected] != [mask(line) for line in self.got]

    def difference(self):
        masked = [[mask(line) for line in lines] for lines in (self.expected, self.got)]
        got = list(self.got)
        for match in difflib.SequenceMatcher(None, *masked).get_matching_blocks():
            got[match.b:match.b + match.size] = self.expected[match.a:match.a + match.size]
        return difflib.unified_diff(self.expected, got, f"{self.page}:{self.place.start}", "the output", lineterm="")

    def faults(self):
        """What is wrong with it, in lines; none where nothing is."""
        if self.differs():
            return [*filter(None, [self.problem]), *self.difference()]
        return [self.problem, *self.got] if self.problem else []


def without_blank_ends(text):
    return [line.rstrip() for line in text.strip("\n").rstrip().split("\n")]


def blocks_of(page):
    """A block of text after one that is typed is its output; a comment before a block says why it is not run."""
    blocks, left_out, before = [], None, None
    for token in MarkdownIt("commonmark").parse((PROJECT / page).read_text(encoding="utf-8")):
        if token.type == "fence" and token.info != "mermaid":
            if token.info == "text" and before and before.expected is None and not left_out:
                before.expected = without_blank_ends(token.content)
                before.place = slice(token.map[0] + 1, token.map[1] - 1)
            else:
                before = Block(page, token.map[0] + 1, token.info, token.content, left_out)
                blocks.append(before)
                left_out = None
                continue
        elif token.type == "html_block" and (comment := LEFT_OUT.match(token.content)):
            left_out = comment[1]
        else:
            left_out = None
        before = None
    return blocks


class Server:
    """That of scripts/cluster, with an empty database for each page."""

    def __init__(self):
        self.environment = os.environ | {"PGTZ": "UTC", "PGCONNECT_TIMEOUT": "10"}
        self.psql = None

    def begin_page(self):
        started = subprocess.run(["scripts/cluster", "start", "--set", "wal_level=logical"],
                                 cwd=PROJECT, check=True, capture_output=True, text=True).stdout
        dsn = dict(pair.split("=") for pair in started.splitlines()[-1].split())
        self.environment |= {"PGHOST": dsn["host"], "PGPORT": dsn["port"], "PGUSER": dsn["user"],
                             "PGDATABASE": DATABASE}
        for database in self.sql("postgres", "SELECT datname FROM pg_database WHERE oid >= 16384").split():
            self.sql("postgres", f'DROP DATABASE "{database}" WITH (FORCE)')
        for role in self.sql("postgres", "SELECT rolname FROM pg_roles WHERE oid >= 16384").split():
            self.sql("postgres", f'DROP ROLE "{role}"')
        self.sql("postgres", f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        self.psql = Psql(self.environment)

    def end_page(self):
        self.psql.end()

    def sql(self, database, statement):
        return subprocess.run(["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
                              env=self.environment, check=True, capture_output=True, text=True).stdout.strip()

    def run(self, block):
        if block.language == "sql" and not ENDED.search(block.text.rstrip()):
            output, block.problem = "", "it ends within a statement"
        elif block.language == "sql":
            output, block.problem = self.psql.run(block.text)
        elif block.language == "sh":
            output, block.problem = self.program(["bash", "-e", "-o", "pipefail", "-c", block.text], PROJECT)
        elif block.language in ("python", "js"):
            command = {"python": ["/usr/bin/python3", "-W", "error", "-c"], "js": ["node", "--input-type=module", "-e"]}
            before = self.kept()
            output, block.problem = self.program(command[block.language] + [block.text], PROJECT / "test/clients")
            if not block.problem and self.kept() <= before:
                block.problem = "what it saved is not there after it has ended"
        else:
            output, block.problem = "", f'a block of "{block.language}" is not run: it needs a comment that says why'
        block.got = without_blank_ends(output)
        if block.expected is None and not block.problem and any(FAILURE.match(line) for line in block.got):
            block.problem = "it fails"

    def program(self, command, directory):
        try:
            done = subprocess.run(command, cwd=directory, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return "", f"it has not ended after {PATIENCE} s"
        return done.stdout, f"exit status {done.returncode}" if done.returncode else None

    def kept(self):
        """How many rows all saves have left, as another session sees it."""
        return int(self.sql(DATABASE, "SELECT (SELECT count(*) FROM comments)"
                                      " + (SELECT count(*) FROM customer_history)"))


class Psql:
    """One session. It writes what it is told to as if it were typed, but for the names of commands."""

    END = "the end of the block"

    def __init__(self, environment):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(["stdbuf", "-oL", "psql", "-X", "-q"], env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, text):
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        lines = []
        try:
            self.process.stdin.write(f"{text}\\echo {self.END}\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                if line == self.END + "\n":
                    return "".join(lines), None
                lines.append(line)
        except BrokenPipeError:
            pass
        finally:
            watchdog.cancel()
        return "".join(lines), "psql has ended, or did not come to the end of the block"

    def end(self):
        self.process.kill()
        self.process.communicate()


def update(page, blocks):
    """All outputs of the page are from one run, so that its times agree."""
    path = PROJECT / page
    lines = path.read_text(encoding="utf-8").split("\n")
    for block in reversed(blocks):
        if block.expected is not None:
            indentation = re.match(" *", lines[block.place.start - 1])[0]
            lines[block.place] = [(indentation + line).rstrip() for line in block.got]
    path.write_text("\n".join(lines), encoding="utf-8")


class Tap:
    def __init__(self):
        self.tests = self.failures = 0

    def report(self, passes, name, explanation):
        self.tests += 1
        print(f"{'ok' if passes else 'not ok'} {self.tests} - {name}")
        if not passes:
            self.failures += 1
            for line in explanation:
                print("#", line)


def run_page(page, server, tap):
    blocks = blocks_of(page)
    typed = [block for block in blocks if not block.left_out]
    if typed:
        server.begin_page()
        for number, block in enumerate(typed):
            server.run(block)
            if page == FAULTS and number > 0:
                tap.report(block.faults(), f"a planted fault is found: {block}", block.got)
            else:
                tap.report(not block.faults(), str(block), block.faults())
        server.end_page()
    print(f"# {page}: {len(typed)} blocks run, {sum(block.expected is not None for block in typed)} with their output; "
          f"{len(blocks) - len(typed)} not run")
    for block in blocks:
        if block.left_out:
            print(f"#   {block} is not run: {block.left_out}")
    return typed


def main():
    parser = argparse.ArgumentParser(prog="test/docs/run")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("pages", nargs="*")
    arguments = parser.parse_args()
    every = ["README.md", *sorted(f"doc/{path.name}" for path in PROJECT.glob("doc/*.md"))]
    tap, server = Tap(), Server()
    for page in arguments.pages or [*every, FAULTS]:
        blocks = run_page(page, server, tap)
        failed = any(block.problem for block in blocks)
        if arguments.update and page != FAULTS and not failed and any(block.differs() for block in blocks):
            update(page, blocks)
    prose.check(arguments.pages or [*every, FAULTS], FAULTS, tap)
    print(f"1..{tap.tests}")
    return tap.failures > 0


if __name__ == "__main__":
    raise SystemExit(main())
