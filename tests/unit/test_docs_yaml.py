"""The YAML of the documentation is what Mooring takes, so that it may be copied."""

from __future__ import annotations

import pytest

from mooring.config import AddressPolicy, parse
from mooring.model.errors import ConfigError
from support.yaml_blocks import Document, documents

DOCUMENTS = list(documents())
FILES = [(one.page, file) for one in DOCUMENTS if (file := one.file())]


def test_every_block_is_known() -> None:
    """A file or a part of one, values of the chart, or an object of a cluster: each is held to its schema."""
    assert [(one.page, one.data) for one in DOCUMENTS if one.kind is None] == []


def test_a_part_of_a_file_is_held_to_the_schema() -> None:
    """A check, and the fields of a Service, are read as what they are a part of."""
    check, service = {"tcp": {}, "n": 1}, {"hosts": ["10.20.0.11"]}
    parts = [Document("page", "check", "", check), Document("page", "service", "", service)]
    wrong, good = (part.file() for part in parts)
    assert wrong is not None
    with pytest.raises(ConfigError, match=r"services\[0\]\.check\.n"):
        parse(wrong.encode(), "page", AddressPolicy())
    assert good is not None
    assert parse(good.encode(), "page", AddressPolicy()).services


@pytest.mark.parametrize(("page", "file"), FILES, ids=[f"{page}-{n}" for n, (page, _) in enumerate(FILES)])
def test_a_file_in_the_documentation_is_a_good_one(page: str, file: str) -> None:
    """What is shown there may be taken over as it stands."""
    assert parse(file.encode(), page, AddressPolicy()).services


def test_the_page_of_failovers_shows_files() -> None:
    """Those of MariaDB, a heartbeat, Galera, Redis Sentinel and old sessions are read by the test above."""
    assert [page for page, _ in FILES].count("docs/following-a-failover.md") == 5
