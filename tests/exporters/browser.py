"""A real Chromium behind its own debugging pipe: what it logged, what it asked the network for, and pictures."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next((path for name in _NAMES if (path := shutil.which(name))), None)
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --disable-dev-shm-usage --remote-debugging-pipe"
).split()
_SECONDS = 60


@dataclass
class Seen:
    """What one page did: console messages and errors, and every address it asked for."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Chromium:
    """One browser process and one tab. Speaks the DevTools protocol over file descriptors 3 and 4."""

    def __init__(self, folder: Path) -> None:
        assert PROGRAM
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Above 4, so that putting them at 3 and 4 in the child overwrites neither.
        moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (theirs_in, theirs_out)]
        os.close(theirs_in)
        os.close(theirs_out)

        def place() -> None:
            os.dup2(moved[0], 3)
            os.dup2(moved[1], 4)

        with open(folder / "chromium.log", "wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=place,
                pass_fds=(3, 4),
            )
        for fd in moved:
            os.close(fd)
        os.set_blocking(self._in, False)
        self._rest = b""
        self._count = 0
        self._seen = Seen()
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = None
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def open(self, file: Path, width: int = 1100, height: int = 900, dark: bool = False) -> Seen:
        """Show ``file`` and return what its page did until it was loaded and drawn."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._seen, self._loaded = Seen(), False
        self._call("Page.navigate", url=file.as_uri())
        end = time.monotonic() + _SECONDS
        while not self._loaded:
            self._read(end)
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
        return self._seen

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def mouse(self, kind: str, x: float, y: float) -> None:
        """kind: mouseMoved, mousePressed, mouseReleased."""
        held = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held)

    def picture(self, whole: bool = True) -> bytes:
        """A PNG of the page."""
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        number = self._count
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _SECONDS
        while True:
            answer = self._read(end, number)
            if answer is not None:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self, end: float, number: int | None = None) -> dict[str, Any] | None:
        """Handle the messages that are there; the answer to ``number`` once it came."""
        try:
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "Chromium ended"
            self._rest += chunk
        except BlockingIOError:
            assert time.monotonic() < end, "Chromium does not answer"
            assert self._process.poll() is None, "Chromium ended"
            time.sleep(0.005)
        answer = None
        while b"\0" in self._rest:
            raw, self._rest = self._rest.split(b"\0", 1)
            message = json.loads(raw)
            if number is not None and message.get("id") == number:
                answer = message
            else:
                self._event(message.get("method", ""), message.get("params", {}))
        return answer

    def _event(self, method: str, told: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self._seen.requests.append(told["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self._seen.console.append(json.dumps(told["args"]))
        elif method == "Runtime.exceptionThrown":
            self._seen.console.append(json.dumps(told["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self._seen.console.append(told["entry"]["text"])
