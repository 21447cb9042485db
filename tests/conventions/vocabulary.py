"""Vocabulary check: find names and words in code, docs, and pages that the glossary replaces.

``python -m tests.conventions.vocabulary [PATH ...]`` lists the findings below the paths.
``python -m tests.conventions.vocabulary --ledger`` rewrites ``vocabulary.toml``, the counts that are still allowed.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conventions.repository import ROOT, files, relative, tree

LEDGER = Path(__file__).with_name("vocabulary.toml")
# Banned parts of identifiers. Underscores and capitals divide a name into parts.
NAME_PARTS = frozenset(
    re.findall(
        r"\w+",
        """
    said told found asked ask asks made mine own what nobody nothing dearer wanted crew desk outline outlines sketch
    sketches ways mix article articles central uncycle clairvoyant twin twins programme programmes mend mended torn
    draft drafts rooms doors door night nights anew chore chores floors
        """,
    )
)
# Parts that are allowed in the names of tests, which are sentences.
PLAIN_IN_SENTENCES = frozenset({"own", "made", "found", "mix", "ask", "asks"})
# Allowed names, each with the reason. They are removed from an identifier before its parts are checked.
ALLOWED_NAMES = {
    "what_ifs?": "the term is a what-if",
    "not_found": "names of errors in Python and in libraries, for example FileNotFoundError",
    "time_to_door": "column of the delivery statistics in the warehouse",
    "n_nights": "column of the warehouse",
}
WORDS = re.compile(
    r"""\b(?:
    anew | mend(?:s|ed|ing)? | dear(?:er|est) | torn | \w+-manieth | the\ door | doors | chores? | left\ the\ house
    | crews? | desks? | outlines?(?!\s*[:-]) | sketch(?:es|ed)? | nobody | clairvoyants? | twins? | uncycled?
    | (?:demand|fresh|sample)\ paths? | drafts? | (?<!<)(?<!</)articles? | (?<!--)nights? | verdicts? | rivals? | left\ undone
    | (?:is|are|was|were|be)\ said | said\ (?:so|of|by|in|once) | says\ so
    | rooms | (?:this|each|every|another|own)\ room | walls | floors | (?:hither|hereto|there|where)(?:in|of|fore|upon)(?<!therefore)
    | programmes? | colou?r(?<!color)\w* | catalogues? | labell(?:ed|ing) | behaviou?r(?<!behavior)\w* | favour\w* | neighbour\w*
    | honour\w* | centre[sd]? | analys(?:ed|ing) | modell(?:ed|ing|er)s? | travell\w+ | cancell(?:ed|ing) | levell(?:ed|ing)
    | grey\w* | licences? | artefacts? | judgements? | towards | whilst | amongst | learnt | spelt | burnt | fulfil
    | (?:kilo|centi|milli)?metres? | litres? | per\ cent | ageing | defence | practis\w+
    | (?:optim|normal|summar|organ|recogn|parallel|serial|initial|real|minim|maxim|penal|random|standard|util|vector
       |discret|general|special|categor|custom|visual|emphas|prior|synchron|capital|stabil|regular|neutral|local|factor
       |token|anonym|amort|equal|central|author|character|critic|final|item|quant|symbol|material|formal|memor|harmon)
      is(?:e|ed|es|er|ers|ing|ation|ations|able)
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
TEXT = (".md", ".yaml", ".yml", ".toml", ".j2", ".html", ".css", ".js")
NOT_OURS = {
    "tests/conventions/vocabulary.py": "names the words",
    "tests/conventions/vocabulary.toml": "counts the words",
    "tests/conventions/test_vocabulary.py": "tests the words",
    "pipeline/new_project/header_words.py": "holds words of other systems in five languages",
}
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CODE = re.compile(r"^( *)```.*?^\1```|`[^`\n]+`|\]\([^)\s]+\)|https?://\S+", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, order=True)
class Finding:
    """A name or a word to replace, with its file and line."""

    path: str
    line: int
    word: str


def name_findings(path: Path) -> list[Finding]:
    """Return the banned parts of identifiers of a Python file, definitions and uses."""
    lines = Counter((line, name) for node in ast.walk(tree(path)) for line, name in _names(node))
    return [Finding(relative(path), line, name) for line, name in sorted(lines) if banned_parts(name)]


@cache
def banned_parts(name: str) -> frozenset[str]:
    """Return the banned parts of one identifier."""
    plain = "_".join(part.lower() for part in _PART.findall(name))
    for allowed in ALLOWED_NAMES:
        plain = re.sub(rf"(?<![a-z]){allowed}(?![a-z])", "", plain)
    parts = set(plain.split("_"))
    banned = NAME_PARTS - PLAIN_IN_SENTENCES if name.startswith("test_") else NAME_PARTS
    return frozenset((parts & banned) | ({"at"} if plain == "at" else set()))


def _names(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the identifiers of one node, except pandas' ``frame.at`` and the column ``at`` (``assign(at=…)``)."""
    if isinstance(node, ast.Name):
        yield node.lineno, node.id
    elif isinstance(node, ast.Attribute) and node.attr not in {"at", "outline"}:
        yield node.lineno, node.attr
    elif isinstance(node, ast.arg) or (isinstance(node, ast.keyword) and node.arg not in {None, "at"}):
        yield node.lineno, str(node.arg)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.lineno, node.name
    elif isinstance(node, ast.alias) and node.asname:
        yield node.lineno, node.asname


def word_findings(path: Path) -> list[Finding]:
    """Return the banned words of a file: in Python its comments and strings, elsewhere the text without code."""
    pieces = _python(path) if path.suffix == ".py" else [(1, _prose(path))]
    result = [
        Finding(relative(path), line + text.count("\n", 0, match.start()), match.group())
        for line, text in pieces
        for match in WORDS.finditer(text)
    ]
    return sorted(result)


def _python(path: Path) -> Iterator[tuple[int, str]]:
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type in kinds:
            yield token.start[0], _blank(_CODE, token.string)


def _prose(path: Path) -> str:
    text = path.read_text("utf-8")
    if path.name == "glossary.md":  # the last column lists the words that are not used
        text = re.sub(r"\|[^|\n]*\|$", "|", text, flags=re.MULTILINE)
    return _blank(_CODE, text) if path.suffix == ".md" else text


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Return the text with what matches replaced by its line breaks."""
    return pattern.sub(lambda match: " " + "\n" * match.group().count("\n"), text)


@cache
def findings() -> dict[str, list[Finding]]:
    """Return the findings of the whole repository, ``names`` and ``words``."""
    python = [path for path in files(".py") if relative(path) not in NOT_OURS]
    texts = [path for path in files(*TEXT) if relative(path) not in NOT_OURS]
    return {
        "names": [finding for path in python for finding in name_findings(path)],
        "words": [finding for path in (*python, *texts) for finding in word_findings(path)],
    }


def ledger() -> dict[str, dict[str, int]]:
    """Return the counts that are still allowed, by kind and file."""
    return tomllib.loads(LEDGER.read_text("utf-8"))


def excess(kind: str) -> list[str]:
    """Return the findings of files with more than their allowance, empty while the total stays within the ledger's.

    A file that moves takes its allowance along, because the totals are compared first.
    """
    allowed, present = ledger().get(kind, {}), findings()[kind]
    if len(present) <= sum(allowed.values()):
        return []
    counts = Counter(finding.path for finding in present)
    more = {path for path, count in counts.items() if count > allowed.get(path, 0)}
    return [f"{finding.path}:{finding.line}: {finding.word}" for finding in present if finding.path in more]


def _write_ledger() -> None:
    lines = ["# Findings still allowed, by file: `python -m tests.conventions.vocabulary --ledger` writes this file."]
    for kind, present in findings().items():
        lines += [
            f"[{kind}]",
            *(f'"{path}" = {count}' for path, count in sorted(Counter(f.path for f in present).items())),
        ]
    LEDGER.write_text("\n".join(lines) + "\n", "utf-8")


def main(arguments: list[str]) -> None:
    """List the findings below the paths, or write the ledger."""
    if arguments == ["--ledger"]:
        _write_ledger()
        return
    places = tuple(Path(argument).resolve().relative_to(ROOT).as_posix() for argument in arguments)
    for kind, present in findings().items():
        for finding in present:
            if not places or finding.path.startswith(places):
                print(f"{finding.path}:{finding.line}: {kind[:-1]}: {finding.word}")


if __name__ == "__main__":
    main(sys.argv[1:])
