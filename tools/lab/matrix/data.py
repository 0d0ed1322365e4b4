"""Fresh data directories of MySQL and MariaDB roots: made once, kept in the root, and copied for each server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from lab.exclusive import alone
from lab.matrix import roots, running

_MARIADB_TABLES = (
    "{}_system_tables.sql",
    "{}_performance_tables.sql",
    "{}_system_tables_data.sql",
)
_BEFORE = (
    "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @current_hostname='localhost';\n"
    "SET @skip_auth_anonymous=1;\nSET @auth_root_socket=NULL;\n"
)


def of(name: str) -> Path:
    """The root's fresh data directory; root of it has no password.

    Raises:
        RuntimeError: the server did not make it; the message has the end of what it said.
    """
    where = running.base(name) / "fresh-data"
    with alone(roots.cache() / f".{name}-data.lock"):
        if not where.is_dir():
            _make(name, where)
    return where


def _make(name: str, where: Path) -> None:
    made = where.with_suffix(".new")
    shutil.rmtree(made, ignore_errors=True)
    if name.startswith("mariadb"):
        (made / "mysql").mkdir(parents=True)
        words, text = [*mariadb(name), "--bootstrap", "--skip-networking"], _BEFORE + _tables(name)
    else:
        words, text = [*mysql(name), "--initialize-insecure"], ""
    done = subprocess.run(
        [*words, f"--datadir={made}"],
        input=text,
        env=running.environment(name),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} made no data directory:\n{done.stderr[-2000:]}")
    (made / "auto.cnf").unlink(missing_ok=True)  # each server makes a number of its own
    made.rename(where)


def _tables(name: str) -> str:
    share = _mariadb_share(name)
    kind = "mariadb" if (share / "mariadb_system_tables.sql").exists() else "mysql"
    return "".join((share / file.format(kind)).read_text() for file in _MARIADB_TABLES)


def _mariadb_share(name: str) -> Path:
    shares = (running.base(name) / "usr/share" / kind for kind in ("mariadb", "mysql"))
    return next(share for share in shares if (share / "english").is_dir())


def _words(program: list[str], base: Path, share: Path) -> list[str]:
    texts = [f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"]
    return [*program, "--no-defaults", "--user=root", f"--basedir={base}", *texts]


def mariadb(name: str) -> list[str]:
    """The words that run this MariaDB; options follow."""
    usr = running.base(name) / "usr"
    words = _words(running.program(name, "usr/sbin/mariadbd"), usr, _mariadb_share(name))
    return [*words, f"--plugin-dir={usr}/lib/mysql/plugin"]


def mysql(name: str) -> list[str]:
    """The words that run this MySQL; options follow."""
    whole = running.base(name)
    usr = whole / "usr"
    if not usr.is_dir():
        return _words(running.program(name, "bin/mysqld"), whole, whole / "share")
    words = _words(running.program(name, "usr/sbin/mysqld"), usr, usr / "share/mysql")
    return [*words, f"--plugin-dir={usr}/lib/mysql/plugin", "--secure-file-priv="]


def make(*names: str) -> None:
    """Those of these roots, or of all that are fetched, that have one."""
    for name in names or roots.ROOTS:
        if name.startswith(("mysql", "mariadb")) and roots.present(name):
            if not (roots.directory(name) / "fresh-data").is_dir():
                sys.stderr.write(f"making a data directory of {name} for the tests; once\n")
            of(name)
