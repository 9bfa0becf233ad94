# SPDX-License-Identifier: MIT
"""A real browser, driven by WebDriver (W3C): Chromium by its own chromedriver."""
import base64
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 1800


def needed():
    """The marker of tests that want a browser."""
    there = any(shutil.which(p) for p in PROGRAMS) and shutil.which("chromedriver")
    return pytest.mark.skipif(not there, reason="no chromium with chromedriver: make setup test")


class Browser:
    """with Browser() as page: page.open(path); page.run("return document.title")"""

    def __init__(self, width=1200, height=900, dark=False):
        program = next(shutil.which(p) for p in PROGRAMS if shutil.which(p))
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu",
                     f"--window-size={width},{height}"]
        if dark:
            arguments.append("--blink-settings=preferredColorScheme=0")
        self.wanted = {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": program, "args": arguments}}}}

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], text=True,
                                       stdout=subprocess.PIPE, stderr=self.log)
        for line in self.driver.stdout:
            if "successfully on port" in line:
                self.base = f"http://127.0.0.1:{int(line.split()[-1].rstrip('.'))}"
                break
        else:
            raise RuntimeError("chromedriver did not start")
        self.session = self.ask("POST", "/session", self.wanted, whole=True)["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            self.log.close()

    def ask(self, method, path, body=None, whole=False):
        url = self.base + (path if whole else f"/session/{self.session}{path}")
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def open(self, path, anchor=""):
        """A file; returns when it is loaded."""
        self.ask("POST", "/url", {"url": pathlib.Path(path).resolve().as_uri() + anchor})

    def run(self, script, *arguments):
        """JavaScript in the page; what it returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def keys(self, text):
        """Types at the element that has the focus; special keys as WebDriver names them."""
        actions = [{"type": kind, "value": c} for c in text for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def click(self, selector):
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        self.ask("POST", f"/element/{next(iter(found.values()))}/click")

    def errors(self):
        """What the console of the page has since the last call: errors and warnings."""
        return [e["message"] for e in self.ask("POST", "/se/log", {"type": "browser"})
                if e["level"] in ("SEVERE", "WARNING")]

    def picture(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def until(self, script, seconds=SECONDS):
        """Waits until the script returns something true, and returns it."""
        end = time.monotonic() + seconds
        while True:
            value = self.run(script)
            if value or time.monotonic() > end:
                return value
            time.sleep(0.05)
