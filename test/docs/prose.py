"""Checks what pages say beside their blocks: short sentences, plain words, links, diagrams, messages of the server."""

import json
import re
import subprocess
from pathlib import Path

from markdown_it import MarkdownIt

PROJECT = Path(__file__).resolve().parents[2]

LONGEST_SENTENCE = 30
END_OF_SENTENCE = re.compile(r"(?<=[.!?])[)\"'”]*\s+(?=[(\"'“]*[^a-z\s])|\s·\s")
AVOIDED = re.compile(r"\b(for|to|of|from) who\b|\bwho may\b", re.IGNORECASE)

# Each heading of this page that is code is a message, which an output of its section has.
MESSAGES = "doc/troubleshooting.md"

# What the comments of SQL objects end with.
POINTER = re.compile(r": see (doc/[^' ]+)'")
COMMENTED = ["crm_concurrency--*.sql", "plpgsql/crm_concurrency.sql"]


class Page:
    """One page in Markdown; links to anchors are those that GitHub makes of headings."""

    def __init__(self, path):
        self.path = path
        text = (PROJECT / path).read_text(encoding="utf-8")
        self.tokens = MarkdownIt("commonmark").enable("table").parse(text)
        self.anchors = set()
        for token, after in zip(self.tokens, self.tokens[1:]):
            if token.type == "heading_open":
                self.anchors.add(self.anchor(plain(after)))

    def anchor(self, heading):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{anchor}-{number}" if number else anchor) in self.anchors:
            number += 1
        return name

    def paragraphs(self):
        """What stands outside of tables and headings: lines and tokens."""
        depth = 0
        for token in self.tokens:
            if token.type.startswith(("table_", "heading_")):
                depth += token.nesting
            elif token.type == "inline" and not depth:
                yield token.map[0] + 1, token

    def long_sentences(self):
        for line, token in self.paragraphs():
            for sentence in END_OF_SENTENCE.split("".join(words_of(token))):
                words = [word for word in sentence.split() if re.search(r"\w", word)]
                if len(words) > LONGEST_SENTENCE:
                    yield f"{self.path}:{line}: {len(words)} words: {' '.join(words)}"

    def avoided_words(self):
        for token in self.tokens:
            if token.type == "inline" and (match := AVOIDED.search("".join(words_of(token)))):
                yield f"{self.path}:{token.map[0] + 1}: {match[0]}"

    def broken_links(self, pages):
        for token in self.tokens:
            for child in token.children or []:
                target = child.attrs.get("href") or child.attrs.get("src")
                if target and not re.match(r"[a-z]+:", target) and (problem := self.problem_of(target, pages)):
                    yield f"{self.path}:{token.map[0] + 1}: {problem}"

    def problem_of(self, target, pages):
        name, _, anchor = target.partition("#")
        path = (PROJECT / self.path).parent / name if name else PROJECT / self.path
        if not path.exists():
            return f"{name} does not exist"
        page = pages.get(str(path.resolve().relative_to(PROJECT)))
        return f"{target} is no heading" if anchor and page and anchor not in page.anchors else None

    def diagrams(self):
        return [token for token in self.tokens if token.type == "fence" and token.info == "mermaid"]

    def messages_without_output(self):
        heading, shown = None, True
        for token, after in zip(self.tokens, self.tokens[1:]):
            if token.type == "heading_open":
                if not shown:
                    yield heading
                code = [child.content for child in after.children if child.type == "code_inline"]
                heading, shown = (code[0], False) if code else (None, True)
            elif token.type == "fence" and token.info == "text" and heading:
                shown = shown or heading in token.content
        if not shown:
            yield heading


def plain(inline):
    return "".join(child.content for child in inline.children)


def words_of(inline):
    """The text, in which code counts as one word."""
    for child in inline.children:
        if child.type == "code_inline":
            yield "Code"
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        elif child.type == "text":
            yield child.content


def problems_of_diagrams(diagrams):
    """What Mermaid finds in each."""
    done = subprocess.run(["node", "test/docs/diagrams.js"], cwd=PROJECT, input=json.dumps(diagrams), text=True,
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def broken_pointers(pages):
    for pattern in COMMENTED:
        for script in sorted(PROJECT.glob(pattern)):
            for target in sorted(set(POINTER.findall(script.read_text(encoding="utf-8")))):
                if problem := pages["README.md"].problem_of(target, pages):
                    yield f"{script.name}: {problem}"


def check(names, faults, tap):
    """Reports on the pages named, which may link to any; in that of faults each check has to find one."""
    every = [PROJECT / faults, *PROJECT.glob("*.md"), *PROJECT.glob("doc/*.md"), *PROJECT.glob("scale/*.md"),
             *PROJECT.glob("examples/*/*.md")]
    pages = {path: Page(path) for path in (str(path.relative_to(PROJECT)) for path in every)}
    diagrams = [(name, token) for name in names for token in pages[name].diagrams()]
    wrong = {name: [] for name in names}
    if diagrams:
        for (name, token), problem in zip(diagrams, problems_of_diagrams([token.content for _, token in diagrams])):
            if problem:
                wrong[name] += [f"{name}:{token.map[0] + 1}:", *problem.splitlines()]
    for name in names:
        page = pages[name]
        checks = [
            (f"no sentence has more than {LONGEST_SENTENCE} words", list(page.long_sentences())),
            ("the words are plain", list(page.avoided_words())),
            ("links lead somewhere", list(page.broken_links(pages))),
            ("Mermaid reads the diagrams", wrong[name]),
        ]
        if name in (MESSAGES, faults):
            checks.append(("the server says each message", list(page.messages_without_output())))
        for title, problems in checks:
            if name == faults:
                tap.report(problems, f"a planted fault is found: {title}", [])
            else:
                tap.report(not problems, f"{name}: {title}", problems)
    problems = list(broken_pointers(pages))
    tap.report(not problems, "the comments of functions name pages that are there", problems)
