"""What `list` and `show` say of a loss, from its docstring and the registry."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ..comparison.text import wrapped
from ..loss import Loss, setting_names
from ..registry import Peer, aliases_of, canonical_name, name_of, peers_of

__all__ = ["described", "family_of", "meant", "readable", "summary_of"]


def summary_of(cls: type[Loss]) -> str:
    """Return the first line of a loss's documentation."""
    return _documentation(cls).partition("\n")[0]


def family_of(cls: type[Loss]) -> str:
    """Return the file of a loss, and of a loss of a dialect the framework."""
    dialect = canonical_name(cls).rpartition(".")[0]
    return dialect or cls.__module__.rpartition(".")[2]


def meant(peer: Peer) -> str:
    """Return what a loss of another library is here, with what differs."""
    said = "; ".join(filter(None, (_assignments(peer.settings), peer.differs)))
    return f"{peer.loss}{f' ({said})' if said else ''}" if peer.loss else said


def described(asked: str, loss: Loss, width: int) -> Iterator[tuple[str, list[str]]]:
    """Return the headings that `show` prints, with the lines below each.

    Parameters
    ----------
    asked : str
        The name by which the loss was asked for; where it is an alias, it is said which settings that carries.
    loss : Loss
        The loss.
    width : int
        The longest line, in characters.
    """
    cls = type(loss)
    name = name_of(cls)
    sections = _sections(_documentation(cls))
    lead, math, formula = sections[""].partition(".. math::")
    carried = _assignments(aliases_of(name).get(asked, {}))
    alias = [f"`{asked}` is this loss with {carried}."] if carried else []
    for heading, texts in {
        "": [f"{name}, class {cls.__name__}", *alias, lead.strip()],
        "Formula": list(_formulas(math + formula)),
        "Arrays": _arrays(loss, sections),
        "Settings": _settings(cls, sections),
        "Result": [textwrap.dedent(sections.get("Returns", "").partition("\n")[2])],
        "Notes": [sections.get("Notes", "")],
        "References": [sections.get("References", "")],
        "Other names": _other_names(name),
    }.items():
        if any(texts):
            indent = "  " if heading else ""
            # Where a line is an entry of its own, the next that belongs to it is indented.
            hanging = "  " if heading in ("Formula", "Other names") else ""
            yield heading, [line for text in texts for line in _reflowed(text, width, indent, hanging)]


def _documentation(cls: type[Loss]) -> str:
    return inspect.getdoc(cls.function or cls) or inspect.getdoc(cls) or ""


def _sections(documentation: str) -> dict[str, str]:
    """Split a numpydoc docstring at its underlined headings; what stands before the first has the heading ""."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", documentation, flags=re.MULTILINE)
    return {"": parts[0].strip(), **{h: t.strip("\n") for h, t in zip(parts[1::2], parts[2::2], strict=True)}}


def _parameters(sections: Mapping[str, str]) -> list[tuple[set[str], str]]:
    """Return the names and the text of each entry of a docstring's parameters, and of a class's arrays."""
    text = "\n".join(sections[name] for name in ("Parameters", "Arrays") if name in sections)
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    heads = [entry.partition("\n")[0].partition(":")[0].split(",") for entry in entries]
    return [
        ({*map(str.strip, names)}, entry.rstrip()) for names, entry in zip(heads, entries, strict=True) if entry.strip()
    ]


def _formulas(text: str) -> Iterator[str]:
    """Return each formula as plain text, and each paragraph that stands between or below them."""
    for paragraph in text.split("\n\n"):
        said, math, formula = paragraph.partition(".. math::")
        yield readable(formula) if math else said


def _arrays(loss: Loss, sections: Mapping[str, str]) -> list[str]:
    names = loss.array_names
    said = [text for entry, text in _parameters(sections) if entry & set(names)]
    return [*said, f"Declared as {loss.declaration}"]


def _settings(cls: type[Loss], sections: Mapping[str, str]) -> list[str]:
    """Return what is said of each parameter that is no array; of a setting of which nothing is, its default."""
    entries = [(entry, text) for entry, text in _parameters(sections) if not entry & set(cls.array_names)]
    said = {name for entry, _ in entries for name in entry}
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    unsaid = [
        name if defaults[name] is dataclasses.MISSING else f"{name} : default {defaults[name]!r}"
        for name in setting_names(cls)
        if name not in said
    ]
    return [*unsaid, *(text for _, text in entries)]


def _other_names(name: str) -> list[str]:
    """Return a line for the names of each library that mean the same, and one for all others that `get` takes."""
    lines: dict[tuple[str, str], list[str]] = {}
    known = set()
    for peer in peers_of(name):
        path, _, own = peer.name.rpartition(".")
        known.add(own)
        lines.setdefault((path, meant(peer).removeprefix(name)), []).append(own)
    for alias, settings in aliases_of(name).items():
        if alias not in known:
            said = f" ({_assignments(settings)})" if settings else ""
            lines.setdefault(("", said), []).append(alias)
    return [f"{f'{path}: ' if path else ''}{', '.join(names)}{said}" for (path, said), names in lines.items()]


def _assignments(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


_SYMBOLS = {
    "cdot": "·",
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "in": "∈",
    "notin": "∉",
    "mid": "|",
    "sum": "Σ",
    "prod": "Π",
    "pi": "π",
    "infty": "∞",
    "lVert": "‖",
    "rVert": "‖",
    "|": "‖",
    "_": "_",
    "quad": "  ",
    ",": " ",
    ";": " ",
    "left": "",
    "right": "",
    "Big": "",
    "\\": ", ",
}

_TOKEN = re.compile(r"\\([a-zA-Z]+|.)|(.)", re.DOTALL)


def readable(formula: str) -> str:
    r"""Return LaTeX as plain text: ``\frac{a}{b}`` is a / b, and a command that is a word is that word."""
    text = " ".join(formula.split())
    text = text.replace(r"\begin{cases}", "[").replace(r"\end{cases}", "]").replace("&", "if")
    text = re.sub(r" +", " ", _read(iter(_TOKEN.findall(text))))
    return re.sub(r"(?<=[(\[]) | (?=[)\],])", "", text).replace("; ", ";  ").strip()


def _read(tokens: Iterator[tuple[str, str]], *, one: bool = False) -> str:
    """Read to the end of a group, or one token or group."""
    found = ""
    for command, character in tokens:
        if character == "}":
            break
        if character == " " and one:
            continue
        if character == "{":
            found += _read(tokens)
        elif command in ("frac", "tfrac"):
            quotient = f"{_grouped(_read(tokens, one=True))} / {_grouped(_read(tokens, one=True))}"
            found += f"({quotient})" if re.search(r"[a-z]\s*$", found) else quotient
        elif command == "sqrt":
            found += f"√{_grouped(_read(tokens, one=True))}"
        elif command in ("text", "mathrm"):
            found += _read(tokens, one=True)
        elif character == "^":
            found += f"^{_grouped(_read(tokens, one=True))}"
        elif character == "_":
            below = _read(tokens, one=True)
            found += f"_{below}" if below.isalnum() else f"_{{{below}}}"
        else:
            found += character or _SYMBOLS.get(command, command)
        if one:
            break
    return found.strip() if one else found


def _grouped(text: str) -> str:
    """Return a part of a formula, in parentheses unless it is a single name or number."""
    text = text.strip()
    return text if re.fullmatch(r"\w+|\(.*\)", text) and text.count("(") < 2 else f"({text})"


def _reflowed(text: str, width: int, indent: str, hanging: str) -> Iterator[str]:
    """Break the paragraphs of a text anew: each is of lines at one depth, and a bullet begins one."""
    paragraphs: list[list[str]] = []
    depth = -1
    for line in text.replace("``", "`").splitlines():
        own, bullet = _depth(line), _is_bullet(line)
        if own != depth or own < 0 or bullet:
            paragraphs.append([])
        paragraphs[-1].append(line)
        depth = own + 2 if bullet else own
    for lines in paragraphs:
        first = indent + " " * _depth(lines[0])
        later = first + ("  " if _is_bullet(lines[0]) else hanging)
        yield from wrapped(" ".join(map(str.strip, lines)), width, first, later) or [""]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip()) if line.strip() else -1


def _is_bullet(line: str) -> bool:
    return line.lstrip().startswith(("- ", "* "))
