"""The complaints about one file: each with its place, all of them at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from mooring.errors import ConfigError

MOST_PROBLEMS = 1000
_MOST_CHARACTERS = 64


class Position(NamedTuple):
    """A place in the file, both counted from 1."""

    line: int = 1
    column: int = 1


START = Position()


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong and what is allowed; ``path`` is "" where the whole file is meant."""

    at: Position
    path: str
    message: str

    def sentence(self, file: str) -> str:
        place = f"{file}:{self.at.line}:{self.at.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class Problems:
    """Collects problems of one file. What several Services inherit from one place is one problem."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: set[Problem] = set()

    def add(self, at: Position, path: str, message: str) -> None:
        self._found.add(Problem(at, path, message))

    def stop(self, at: Position, message: str) -> NoReturn:
        """Raises ConfigError with this and all that was found before."""
        self.add(at, "", message)
        raise ConfigError(*self._sentences())

    def raise_if_any(self) -> None:
        """Raises ConfigError with all problems, if there are some."""
        if self._found:
            raise ConfigError(*self._sentences())

    def _sentences(self) -> list[str]:
        """In the order of the file, at most MOST_PROBLEMS of them."""
        sentences = [problem.sentence(self.file) for problem in sorted(self._found)]
        more = len(sentences) - MOST_PROBLEMS
        rest = [f"{self.file}: and {more} problems more"] if more > 0 else []
        return sentences[:MOST_PROBLEMS] + rest


def quoted(text: str) -> str:
    """A text of the file, safe to print: in quotes, escaped, cut."""
    cut = text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "..."
    return json.dumps(cut)
