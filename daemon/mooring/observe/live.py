"""Shows a screen over and over on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from mooring.observe.table import Screen


def live(make: Callable[[], Screen]) -> AbstractContextManager[object]:
    """Shows the screen over and over; what is written to standard error appears above it."""
    console = Console()
    return Live(get_renderable=lambda: Group(*_drawn(make(), console)), refresh_per_second=4, console=console)


def _drawn(screen: Screen, console: Console) -> Iterator[Text]:
    for line in screen.lines(*console.size):
        text = Text(line.text, no_wrap=True, overflow="ignore")
        text.stylize(line.colour, line.start, line.end)
        yield text
