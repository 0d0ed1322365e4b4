"""Collects all problems of one file, each with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from mooring.model.errors import ConfigError

MOST_PROBLEMS = 1000
TEMPLATE_HINT = "is a template that nobody rendered; render it first, as `helm template` does"
_MOST_CHARACTERS = 64


class Position(NamedTuple):
    """A place in the file, both counted from 1."""

    line: int = 1
    column: int = 1


START = Position()


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong and what is allowed; ``path`` is "" for a problem of the whole file."""

    at: Position
    path: str
    message: str

    def sentence(self, file: str) -> str:
        place = f"{file}:{self.at.line}:{self.at.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class Problems:
    """Collects the problems of one file. A value that several Services inherit is one problem."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: set[Problem] = set()
        self._warnings: set[Problem] = set()

    def add(self, at: Position, path: str, message: str) -> None:
        self._found.add(Problem(at, path, message))

    def warn(self, at: Position, path: str, message: str) -> None:
        """Adds a warning: the file is valid all the same."""
        self._warnings.add(Problem(at, path, message))

    def stop(self, at: Position, message: str) -> NoReturn:
        """Raises ConfigError with this problem and all that were added before."""
        self.add(at, "", message)
        raise ConfigError(*self._sentences())

    def raise_if_any(self) -> None:
        """Raises ConfigError with all problems if there are any."""
        if self._found:
            raise ConfigError(*self._sentences())

    def warnings(self) -> tuple[str, ...]:
        """In the order of the file, at most MOST_PROBLEMS of them."""
        return tuple(self._in_order(self._warnings, "warnings"))

    def _sentences(self) -> list[str]:
        return self._in_order(self._found, "problems")

    def _in_order(self, found: set[Problem], what: str) -> list[str]:
        sentences = [problem.sentence(self.file) for problem in sorted(found)]
        more = len(sentences) - MOST_PROBLEMS
        rest = [f"{self.file}: and {more} {what} more"] if more > 0 else []
        return sentences[:MOST_PROBLEMS] + rest


def quoted(text: str) -> str:
    """A text of the file that is safe to print: in quotes, cut, and escaped but for what can be read, in any script."""
    cut = text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "..."
    whole = json.dumps(cut, ensure_ascii=False)
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in whole)
