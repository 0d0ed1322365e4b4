"""The page in a real Chromium without a window: as a phone and as a desk show it, by day and by night, by keyboard."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.browser import Browser
from lab.waiting import wait_until
from mooring.observe import page
from mooring.observe.http import Server
from support.page_sample import HOSTS, STATES, sample

pytestmark = pytest.mark.needs_browser

SIZES = {390: 844, 1280: 800}
SCREENS = [(width, scheme) for width in SIZES for scheme in ("light", "dark")]
LEAST_CONTRAST = 4.5
"""Of text to what is behind it: WCAG 2.2, 1.4.3, level AA."""
ELSEWHERE = "http://192.0.2.1/image.png"
TAGS = f"""
new Promise(done => {{
  const script = document.createElement('script'), picture = document.createElement('img');
  script.textContent = 'window.ran = 1';
  picture.onload = picture.onerror = () => done(1);
  picture.src = '{ELSEWHERE}';
  document.body.append(script, picture);
}})
"""
"""Puts into the page what its policy is against; ends when the browser is through with it."""
TEXTS = """
(() => {
  const numbers = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([red, green, blue]) => {
    const linear = one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = [red, green, blue].map(one => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement, box = element.getBoundingClientRect();
    if (!node.data.trim() || element.closest('svg') || box.right < 0) continue;
    const pair = [light(numbers(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    found.push({text: node.data.trim(), left: box.left, right: box.right, contrast: contrast});
  }
  return found;
})()
"""
"""Each text of the page that is not hidden: where its element stands, and its contrast to what is behind it."""
FOCUS = """
(() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {text: at.textContent, seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1
    && box.width > 0 && box.top >= 0 && box.bottom <= innerHeight};
})()
"""
"""What has the focus, and whether a person sees that it has."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where pages of a sample are served. They do not load themselves anew within a test."""
    monkeypatch.setattr(page, "REFRESH_SECONDS", 3600)
    document, store = sample(time.time())
    hurt = document["services"][0]["hosts"][1]
    hurt["message"] = f'<img src="{ELSEWHERE}"><script>fetch("{ELSEWHERE}")</script>'
    server = Server(
        ("127.0.0.1", 0),
        store,
        alive=lambda: None,
        ready=lambda: None,
        status=lambda: document,
        metrics=lambda: ("text/plain", b""),
    )
    server.start()
    yield f"http://127.0.0.1:{server.port}/"
    server.stop()


def texts(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.evaluate(TEXTS)
    return found


@pytest.mark.parametrize("path", ["", "hosts/shop/orders/db2"], ids=["overview", "host"])
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_all_of_it_can_be_read(browser: Browser, origin: str, width: int, scheme: str, path: str) -> None:
    """Nothing is wider than the screen, and every text stands out from what is behind it, by day and by night."""
    browser.look_like(width, SIZES[width], scheme=scheme)
    browser.open(origin + path)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    found = texts(browser)
    assert [one["text"] for one in found if one["left"] < 0 or one["right"] > width] == []
    assert [one["text"] for one in found if one["contrast"] < LEAST_CONTRAST] == []
    behind = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert behind == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


@pytest.mark.parametrize("width", SIZES)
def test_each_host_shows_its_state_in_a_word_a_reason_and_its_hour(browser: Browser, origin: str, width: int) -> None:
    """Trouble first; the strip of the last hour is as wide as there is room for."""
    browser.look_like(width, SIZES[width], scheme="light")
    browser.open(origin)
    shown = browser.evaluate("[...document.querySelectorAll('tr b')].map(one => one.textContent)")
    assert shown == STATES
    words = " ".join(one["text"] for one in texts(browser))
    assert "refused at 10.20.0.12:3306: <img" in words
    assert re.search(r"auth at [\d.]+:\d+: 1045: Access denied for user 'mooring'", words)
    assert "bi/reports: paused by ada until" in words
    strips = browser.evaluate("[...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().width)")
    assert len(strips) == len(HOSTS)
    assert min(strips) > 128


def test_the_columns_of_all_services_stand_under_each_other(browser: Browser, origin: str) -> None:
    """On a wide screen; on a narrow one there are no columns, and no heads of columns."""
    heads = "[...document.querySelectorAll('thead th')].map(one => Math.round(one.getBoundingClientRect().left))"
    browser.look_like(1280, SIZES[1280], scheme="light")
    browser.open(origin)
    places = browser.evaluate(heads)
    assert places == places[:5] * 3
    browser.look_like(390, SIZES[390], scheme="light")
    browser.open(origin)
    assert max(browser.evaluate(heads)) < 0


def test_a_keyboard_is_enough(browser: Browser, origin: str) -> None:
    """Tab goes through the links in their order, each with a mark that is seen; Enter opens a host, and leads back.

    The page that stands still comes first: one that loads itself anew would take the focus away.
    """
    browser.look_like(1280, SIZES[1280], scheme="dark")
    browser.open(origin)
    assert focused(browser) == "stop"
    browser.follow()
    assert browser.evaluate("document.querySelector('meta[http-equiv]')") is None
    assert browser.evaluate("location.pathname") == "/still/"
    order = [focused(browser) for _ in range(len(HOSTS) + 1)]
    assert order == [
        "go on",
        "db2",
        "db3",
        "db1",
        *[name for name in HOSTS if not name.startswith("db") or "-" in name],
    ]

    browser.open(f"{origin}still/")
    assert [focused(browser) for _ in range(2)] == ["go on", "db2"]
    browser.follow()
    assert browser.evaluate("location.pathname") == "/still/hosts/shop/orders/db2"
    assert [focused(browser) for _ in range(2)] == ["Mooring", "go on"]
    browser.follow()
    assert browser.evaluate("location.pathname") == "/hosts/shop/orders/db2"
    assert [focused(browser) for _ in range(2)] == ["Mooring", "stop"]
    browser.open(f"{origin}still/hosts/shop/orders/db2")
    assert focused(browser) == "Mooring"
    browser.follow()
    assert browser.evaluate("location.pathname") == "/still/"


def focused(browser: Browser) -> str:
    """Where Tab leads next."""
    browser.press("Tab")
    found = browser.evaluate(FOCUS)
    assert found["seen"], found["text"]
    return str(found["text"])


def test_no_request_leaves_the_page_s_own_origin(browser: Browser, origin: str) -> None:
    """Whatever a server says of itself: nothing is loaded from elsewhere, and nothing runs."""
    browser.forget()
    for path in ("", "hosts/shop/orders/db2", "still/"):
        browser.open(origin + path)
    assert browser.requested
    assert [url for url in browser.requested if not url.startswith(origin)] == []
    assert browser.complaints == []  # nothing of the page itself is against its policy


def test_its_policy_keeps_out_what_would_be_loaded_or_run(browser: Browser, origin: str) -> None:
    """Even where somebody got a tag into it: the browser neither asks for the picture nor runs the script."""
    browser.open(origin)
    browser.forget()
    browser.evaluate(TAGS)
    assert browser.evaluate("window.ran") is None
    wait_until(lambda: complains(browser), 10, "the browser to say what it keeps out")
    assert [url for url in browser.requested if ELSEWHERE in url] == []


def complains(browser: Browser) -> bool:
    """Of the picture. What the browser notes of a page, it tells beside its answers, and later than these."""
    browser.evaluate("1")
    return any(ELSEWHERE in one for one in browser.complaints)
