"""A real Chromium without a window, driven by its DevTools protocol over a websocket."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import websocket

from lab.child import Child
from lab.process import command
from lab.waiting import wait_until

PROGRAM = "chromium"
SECONDS = 60.0
"""How long one answer of the browser may take on a busy machine."""
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--hide-scrollbars", "--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--metrics-recording-only", "--force-color-profile=srgb", "--remote-debugging-port=0"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""No name but loopback's is resolved: what a page loads from elsewhere fails, and is noted."""
_KEYS = {"Tab": 9, "Enter": 13}


class Browser(Child):
    """``with Browser() as browser`` starts it, with one empty tab, and removes all of it."""

    kind = PROGRAM

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="mooring-browser-"))
        self._numbers = itertools.count(1)
        self._requests: dict[str, str] = {}
        self.complaints: list[str] = []
        """What the browser has logged of the pages, as a breach of their policy."""
        self._loaded: list[str] = []
        self._shown = ""
        """What the protocol calls the documents that were loaded, and the one that is shown."""

    def __enter__(self) -> Self:
        program = command(PROGRAM)
        assert program, f"not installed: {PROGRAM}"
        with (self._directory / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [program, *_FLAGS, f"--user-data-dir={self._directory}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "HOME": str(self._directory)},
            )
        try:
            port = self._directory / "DevToolsActivePort"
            wait_until(lambda: port.exists() and len(port.read_text().split()) > 1, SECONDS, "the browser to start")
            number, path = port.read_text().split()
            self._line = websocket.create_connection(
                f"ws://127.0.0.1:{number}{path}", timeout=SECONDS, suppress_origin=True
            )
            self._attach()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self.close()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _attach(self) -> None:
        self._session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command of the protocol. Raises RuntimeError: the browser refuses it."""
        number = next(self._numbers)
        said = {"id": number, "method": method, "params": parameters}
        self._line.send(json.dumps({**said, "sessionId": self._session} if self._session else said))
        for heard in self._heard():
            if heard.get("id") == number:
                if "error" in heard:
                    raise RuntimeError(f"{method}: {heard['error']}")
                found: dict[str, Any] = heard["result"]
                return found
        raise RuntimeError(f"{method}: the browser ended")

    def _heard(self) -> Iterator[dict[str, Any]]:
        while True:
            heard = json.loads(self._line.recv())
            if "method" in heard:
                self._note(heard["method"], heard["params"])
            yield heard

    def _note(self, method: str, said: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self._requests[said["requestId"]] = said["request"]["url"]
        elif method == "Network.loadingFailed" and said.get("blockedReason") == "csp":
            self._requests.pop(said["requestId"], None)  # it was not sent: the policy of the page is against it
        elif method == "Log.entryAdded":
            self.complaints.append(said["entry"]["text"])
        elif method == "Page.lifecycleEvent" and said["name"] == "load":
            self._loaded.append(said["loaderId"])

    @property
    def requested(self) -> list[str]:
        """The URLs that pages have asked for since ``forget``, whether these answered or not."""
        return [*self._requests.values()]

    def forget(self) -> None:
        """What was requested, and complained of."""
        self._requests.clear()
        self.complaints.clear()

    def look_like(self, width: int, height: int, *, scheme: str) -> None:
        """A screen of this size in pixels, by ``light`` or by ``dark``."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Goes there; returns when it is loaded. Raises RuntimeError: it cannot be."""
        found = self.ask("Page.navigate", url=url)
        if "errorText" in found:
            raise RuntimeError(f"{url}: {found['errorText']}")
        self._shown = found["loaderId"]
        while self._shown not in self._loaded:
            next(self._heard())

    def follow(self) -> None:
        """Presses Enter on a link; returns when the page that it leads to is loaded."""
        self.press("Enter")
        while self._loaded[-1] == self._shown:
            next(self._heard())
        self._shown = self._loaded[-1]

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript in the page, or of its promise. Raises RuntimeError."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Tab or Enter."""
        same = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **same, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **same)

    def screenshot(self, path: Path) -> None:
        """PNG of what the screen shows."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
