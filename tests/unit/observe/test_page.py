"""The pages for people, without a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from lab.documents import host, out, service, status
from lab.health_stores import probe, store_of
from lab.health_stores import service as spec_of
from lab.values import KEY, stored
from mooring.judge.store import HealthStore
from mooring.model.reasons import Reason
from mooring.observe.page import HEADERS, REFRESH_SECONDS, Pages

NOW = 1_700_000_060.0
A, B = "10.20.0.11", "10.20.0.12"
EVIL = "<script>alert('\"&')</script>"


class Seen(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def pages(document: Any, store: HealthStore | None = None, monotonic: Callable[[], float] = lambda: 0.0) -> Pages:
    return Pages(lambda: document, store or HealthStore(), lambda: NOW, monotonic)


def overview(document: Any, store: HealthStore | None = None) -> Seen:
    return Seen(pages(document, store).overview()[0])


def test_trouble_comes_first_by_colour_and_word() -> None:
    """A Service that has trouble before one that has none, and a host that is out before one that serves."""
    well = service(host(name="db9"), name="well")
    ill = service(host(name="db1"), out(name="db2"), name="ill")
    seen = overview(status(well, ill))
    assert [row.get("class") for row in seen.all("tr") if row] == ["out", "ready", "ready"]
    places = [seen.text.index(word) for word in ("default/ill", "db2", "not-ready", "refused", "db1", "default/well")]
    assert places == sorted(places)
    assert "1 of 2 ready" in seen.text


@pytest.mark.parametrize(
    ("one", "state", "kind"),
    [
        (host(), "ready", "ready"),
        (host(reason="auth"), "ready, unchecked", "doubted"),
        (out(), "not-ready", "out"),
        (host(verdict="never-judged", published="none", reason=None, since=None), "never-judged", "doubted"),
        (host(maintenance=True, maintenanceSource="file"), "maintenance", "resting"),
        (host(maintenance=True, maintenanceSource="annotation"), "maintenance (annotation)", "resting"),
    ],
)
def test_each_state_has_a_word_and_a_colour(one: dict[str, Any], state: str, kind: str) -> None:
    """Who sees no colours reads the word."""
    seen = overview(status(service(one)))
    assert f"\n{state} " in seen.text
    assert [row["class"] for row in seen.all("tr") if row] == [kind]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (
            status(config={"hash": "", "loadedAt": None, "error": "c.yaml:3:5: is no list"}),
            "The changed file was refused",
        ),
        (status(leader=False), "Standby: db-a-1 leads and writes."),
        (status(blind=True), "Blind: all ready hosts are silent at once"),
        (status(apiUnheardSince="2023-11-14T22:13:20.000Z"), "The API server has not been heard for 1m"),
        (status(service(host(), splitBrain=True)), "split brain: several hosts say that they are the primary"),
        (status(service(host(), error="403: forbidden")), "default/mysql-external: 403: forbidden"),
    ],
    ids=["refused file", "standby", "blind", "API server", "split brain", "writes fail"],
)
def test_banners_stand_above_the_hosts(document: dict[str, Any], sentence: str) -> None:
    """The same as above the table of `mooring status`."""
    seen = overview(document)
    assert sentence in seen.text
    assert [one["role"] for one in seen.all("p") if one.get("class") == "banner"] == ["alert"]


def test_whatever_a_server_or_a_file_says_is_text() -> None:
    """No name and no message becomes a tag, an attribute or a link of its own."""
    evil = out(name=EVIL, address=EVIL, message=EVIL, role=EVIL)
    document = status(service(evil, name=EVIL, namespace=EVIL, error=EVIL), identity=EVIL, version=EVIL)
    made = pages(document)
    found = made.host((EVIL, EVIL, EVIL))
    assert found is not None
    for page, _ in (made.overview(), found):
        seen = Seen(page)
        assert seen.all("script") == []
        assert "alert('" in seen.text
        assert {name for _, attributes in seen.elements for name in attributes} <= {
            *("lang", "charset", "name", "content", "http-equiv", "class", "role", "scope", "href"),
            *("viewbox", "preserveaspectratio", "aria-label", "width", "height", "x"),
        }
        assert all("<" not in (link["href"] or "") for link in seen.all("a"))


def test_the_policy_allows_the_page_its_own_style_and_nothing_else() -> None:
    """A browser runs no script and loads nothing, from here or elsewhere: the page is whole in itself."""
    page, headers = pages(status(service(host()))).overview()
    (style,) = re.findall(rb"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert headers == HEADERS
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    seen = Seen(page)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in seen.elements}
    assert not re.search(rb"url\(|@import|https?:|style=|\son\w+=", page)


def test_the_page_loads_itself_anew_and_fits_a_phone_by_day_and_by_night() -> None:
    """By what HTML and CSS have for it."""
    page, _ = pages(status()).overview()
    metas = {
        one.get("http-equiv") or one.get("name"): one["content"] for one in Seen(page).all("meta") if "content" in one
    }
    assert metas == {
        "viewport": "width=device-width, initial-scale=1",
        "color-scheme": "light dark",
        "refresh": str(REFRESH_SECONDS),
    }
    assert b"@media (prefers-color-scheme:dark)" in page
    assert b"@media (max-width:40rem)" in page
    assert b"The file lists no Service." in page


def test_a_page_that_stands_still_leads_to_others_that_do(recorded: HealthStore) -> None:
    """And back to those that load themselves anew: without a script, a page cannot stop doing so."""
    made = pages(status(service(out(name="db1", address=A))), recorded)
    found = made.host(("default", "mysql-external", "db1"), still=True)
    assert found is not None
    for page, links in (
        (made.overview(still=True)[0], ["../", "hosts/default/mysql-external/db1"]),
        (found[0], ["../../../", "../../../../hosts/default/mysql-external/db1"]),
    ):
        seen = Seen(page)
        assert [one for one in seen.all("meta") if one.get("http-equiv")] == []
        assert [link["href"] for link in seen.all("a")] == links
    assert [one["http-equiv"] for one in Seen(made.overview()[0]).all("meta") if "http-equiv" in one] == ["refresh"]


def test_a_second_has_one_page() -> None:
    """However many look at it."""
    now, made = [0.0], list[int]()

    def asked() -> Any:
        made.append(1)
        return status(service(host()))

    page = Pages(asked, HealthStore(), lambda: NOW, lambda: now[0])
    first = page.overview()
    now[0] = 0.99
    assert page.overview() is first
    assert len(made) == 1
    now[0] = 1.0
    assert page.overview() == first
    assert len(made) == 2


@pytest.fixture
def recorded() -> HealthStore:
    """Two hosts of which one went out within the last minute."""
    store = store_of(spec_of(A, B), of=stored(ready=(A, B)))
    probe(store, A, Reason.OK, *[Reason.REFUSED] * 3)
    probe(store, B, Reason.OK)
    return store


def test_a_host_has_the_strip_of_its_last_hour(recorded: HealthStore) -> None:
    """As a picture, and in words for who cannot see it."""
    listed = service(out(name="db1", address=A), host(name="db2", address=B))
    seen = overview(status(listed), recorded)
    assert [one["aria-label"] for one in seen.all("svg")] == ["1 min out", "1 min ready"]
    assert [(one["class"], one.get("x"), one["width"]) for one in seen.all("rect")] == [
        ("back", None, "60"),
        ("out", "59", "1"),
        ("back", None, "60"),
        ("ready", "59", "1"),
    ]


def test_a_host_opens_its_explanation(recorded: HealthStore) -> None:
    """A page with the decision in words, outcomes and transitions, the latest first, and the way back."""
    listed = service(out(name="db 1", address=A), host(name="db2", address=B))
    made = pages(status(listed), recorded)
    assert [link["href"] for link in Seen(made.overview()[0]).all("a")][:2] == [
        "still/",
        "hosts/default/mysql-external/db%201",
    ]
    found = made.host(("default", "mysql-external", "db 1"))
    assert found is not None
    seen = Seen(found[0])
    assert "3 of 3 failures, refused at 10.20.0.11:3306" in seen.text
    assert "other hosts of the Service: 1 ready" in seen.text
    assert seen.text.index("3 x") < seen.text.index("1 x")
    assert "ready -> not-ready: refused" in seen.text
    assert "db2" not in seen.text
    assert [link["href"] for link in seen.all("a")] == [
        "../../../",
        "../../../still/hosts/default/mysql-external/db%201",
    ]
    assert made.host(("default", "mysql-external", "db9")) is None


def test_a_restless_host_has_a_page_of_bounded_length(recorded: HealthStore) -> None:
    """The page has the latest; the command has all."""
    probe(recorded, B, *[Reason.OK, Reason.LOADING] * 400, at=100.0)
    assert len(recorded.records(KEY)[B].runs) > 700
    found = pages(status(service(host(name="db2", address=B))), recorded).host(("default", "mysql-external", "db2"))
    assert found is not None
    assert len(Seen(found[0]).all("tr")) == 201
