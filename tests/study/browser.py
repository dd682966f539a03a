"""A headless Chromium, driven over a pipe by the Chrome DevTools Protocol: keys, clicks, screens of any width."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--hide-scrollbars",
)
WAIT_S = 60.0  # for anything that a page does: long, for a busy machine
POLL_S = 0.05
KEYS = {"Tab": 9, "Enter": 13}


def find_browser() -> str | None:
    """Chromium or Chrome on the path."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class PageError(Exception):
    """The page, or the browser, refused a command."""


class Browser:
    """One window; a context manager. `requests` are the addresses its pages asked for, `errors` what they threw."""

    def __init__(self, program: str, profile: Path) -> None:
        to_browser, self._to_browser = os.pipe()
        self._from_browser, from_browser = os.pipe()
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()
        # The protocol is read from descriptor 3 and written to 4.
        script = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$@"'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, "bash", program, *FLAGS, *root, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._count, self._session = b"", 0, None
        self.requests: list[str] = []
        self.errors: list[str] = []

    def __enter__(self) -> "Browser":
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to_browser)
        os.close(self._from_browser)

    def send(self, method: str, **parameters: object) -> dict:
        """One command and its answer."""
        number = self._write(method, parameters)
        while True:
            reply = self._receive()
            if reply.get("id") == number:
                if "error" in reply:
                    raise PageError(reply["error"])
                return reply["result"]

    def _write(self, method: str, parameters: dict) -> int:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to_browser, json.dumps(message).encode() + b"\0")
        return self._count

    def _receive(self) -> dict:
        while b"\0" not in self._buffer:
            assert select.select([self._from_browser], [], [], WAIT_S)[0], "the browser does not answer"
            part = os.read(self._from_browser, 1 << 16)
            assert part, "the browser has ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        event = json.loads(message)
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(event["params"]["exceptionDetails"]))
            case "Log.entryAdded" if event["params"]["entry"]["level"] == "error":
                self.errors.append(event["params"]["entry"]["text"])
            case "Page.javascriptDialogOpening":
                self._write("Page.handleJavaScriptDialog", {"accept": True})
        return event

    def open(self, address: str) -> None:
        """Go to a page."""
        self.send("Page.navigate", url=address)

    def size(self, width: int, height: int, phone: bool = False) -> None:
        """Set the screen."""
        scale = 2 if phone else 1
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)

    def run(self, script: str) -> object:
        """The value of an expression, or of the promise that it gives."""
        reply = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in reply:
            raise PageError(reply["exceptionDetails"])
        return reply["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true; an error, such as while a page loads, is not yet true."""
        until = time.monotonic() + WAIT_S
        while not self._is_true(condition):
            assert time.monotonic() < until, f"never true: {condition}; the page: {self.text()}"
            time.sleep(POLL_S)

    def _is_true(self, condition: str) -> bool:
        try:
            return bool(self.run(condition))
        except PageError:
            return False

    def text(self) -> str:
        """What the page shows."""
        return str(self.run("document.body.innerText"))

    def key(self, name: str) -> None:
        """Press and release a key, as a person does."""
        code = KEYS.get(name, ord(name[0].upper()))
        text = {"Enter": "\r", "Tab": ""}.get(name, name)
        key = {"key": name, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", **key, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **key)

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element."""
        self.run(f"document.querySelector('{selector}').scrollIntoView({{block: 'center'}})")
        x, y = self.run(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector('{selector}').getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path: Path) -> None:
        """Write what is on the screen as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
