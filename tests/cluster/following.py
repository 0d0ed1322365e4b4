"""``kubectl get endpoints NAME -w``, as somebody watches it in a terminal."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import Self

from kube.api import Api
from kube.kubectl import PROGRAM
from lab.network import inside


class Following:
    """``with Following(api, namespace, name) as seen``: ``seen.flips()`` is what the column ENDPOINTS showed."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api = api
        self._words = ("-n", namespace, "get", "endpoints", name, "-w", "--no-headers")
        self._name = name
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        env = {
            **os.environ,
            "KUBECONFIG": str(self._api.kubeconfig),
            "KUBECACHEDIR": str(self._api.directory / "kubectl"),
        }
        with inside(self._api.netns):
            self._process = subprocess.Popen(
                [PROGRAM, *self._words], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        self._thread = threading.Thread(target=self._read, name="kubectl", daemon=True)
        self._thread.start()
        return self

    def _read(self) -> None:
        if self._process.stdout is not None:
            self._lines.extend(self._process.stdout)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def flips(self) -> list[str]:
        """What each line says of the ready addresses, the same in a row once."""
        columns = [line.split() for line in list(self._lines)]
        said = [column[1] for column in columns if column[:1] == [self._name]]
        return [one for number, one in enumerate(said) if number == 0 or said[number - 1] != one]
