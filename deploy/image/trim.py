# ruff: noqa: INP001 -- a script, no package
"""Removes from the environment it runs in what Mooring's dependencies bring and Mooring never imports.

The tests show that every command runs without it, and that no import of Mooring's leads there.
"""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

DISTRIBUTIONS = (
    *("aiohappyeyeballs", "aiohttp", "aiohttp-retry", "aiosignal", "frozenlist", "multidict", "propcache", "yarl"),
    "attrs",  # with the line above: only for kubernetes.aio; rich shows its classes where it is there
    *("markdown-it-py", "mdurl"),  # rich shows Markdown with it
    "pycparser",  # for cffi's compiler
    "tzdata",  # time zones; Mooring schedules in UTC
)
PATHS = (
    "kubernetes/aio",  # the client's asynchronous twin
    "kubernetes/client/api/*_api.py",  # one class a group of the API; Mooring sends plain JSON by ApiClient
    "kubernetes/client/models/*.py",  # one class a type of the API, each loaded when first asked for
    "kubernetes/*/*_test.py",
    "websocket/tests",
    "cffi",  # the compiler; what is compiled needs _cffi_backend only
    "pydantic/v1",  # pydantic as it was
    "pygments/lexers/*.py",  # languages; rich colours none of them here
    "pygments/styles/*.py",  # rich colours by its own
    "pygments/formatters/*.py",  # HTML, images and the like; rich writes to the terminal itself
    "dateutil/zoneinfo/*.tar.gz",  # time zones, again
    "pydantic/mypy.py",  # a plugin of the type checker
    "click/testing.py",
    *(f"prometheus_client/{name}" for name in ("aiohttp", "bridge", "django", "twisted")),  # other ways out
    *(f"redis/commands/{name}" for name in ("bf", "json", "search", "timeseries", "vectorset")),  # modules of a server
    *("redis/multidb", "redis/asyncio/multidb", "redis/background.py"),  # clients of several databases at once
    *(f"dns/{name}.py" for name in ("btree", "btreezone", "dnssec", "versioned", "win32util", "zone", "zonefile")),
    *(
        f"apscheduler/jobstores/{name}.py"
        for name in ("etcd", "mongodb", "redis", "rethinkdb", "sqlalchemy", "zookeeper")
    ),
    "apscheduler/triggers/cron",
    "dateutil/rrule.py",  # recurrences, for calendars
    "kubernetes/*/test_*.py",
    "kubernetes/leaderelection/example.py",
    *("jinja2/ext.py", "jinja2/meta.py", "jinja2/nativetypes.py", "jinja2/sandbox.py"),
    *("pygments/cmdline.py", "pygments/sphinxext.py", "pygments/unistring.py"),
    *("rich/markdown.py", "rich/progress.py", "rich/_win32_console.py"),
    *("pydantic/color.py", "pydantic/experimental"),
    "urllib3/contrib/emscripten",
    "**/*.pyi",
    "*.dist-info/RECORD",  # for pip, which is not there either
)
KEPT = frozenset({"__init__.py", "_mapping.py", "default.py"})


def found(packages: Path) -> Iterator[Path]:
    """What is there of it in this folder of packages."""
    for name in DISTRIBUTIONS:
        tops = {file.parts[0] for file in distribution(name).files or ()} - {".."}
        yield from (packages / top for top in sorted(tops))
    for pattern in PATHS:
        yield from (path for path in sorted(packages.glob(pattern)) if path.name not in KEPT)


def commands(scripts: Path) -> Iterator[Path]:
    """What libraries brought for a shell, and what is for entering the environment by one."""
    yield from (path for path in sorted(scripts.iterdir()) if not path.name.startswith("python"))


def main() -> None:
    places = sysconfig.get_paths()
    for path in [*found(Path(places["purelib"])), *commands(Path(places["scripts"]))]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
