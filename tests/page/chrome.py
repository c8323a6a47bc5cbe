"""A headless Chromium, told what to do by the DevTools protocol over pipes.

Needs nothing but Python and Chromium. https://chromedevtools.github.io/
devtools-protocol/ has the methods; --remote-debugging-pipe reads commands on
file descriptor 3 and answers on 4, each a JSON text and a NUL.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

SECONDS = 30  # for one command


class Chrome:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="tlspact-chrome.")
        there, self.to = os.pipe()
        self.back, here = os.pipe()
        # Not 3 and 4 themselves, which are made of them in the child.
        there = fcntl.fcntl(there, fcntl.F_DUPFD_CLOEXEC, 10)
        here = fcntl.fcntl(here, fcntl.F_DUPFD_CLOEXEC, 10)

        def child():
            os.dup2(there, 3)
            os.dup2(here, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             "--disable-extensions", "--user-data-dir=" + self.home,
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=child, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=dict(os.environ, HOME=self.home, TZ="UTC"))
        os.close(there)
        os.close(here)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=target["targetId"])["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def end(self):
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.home, ignore_errors=True)

    def message(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise TimeoutError("chromium does not answer")
            data = os.read(self.back, 1 << 20)
            if not data:
                raise EOFError("chromium has ended")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        m = {"id": self.number, "method": method, "params": params}
        if self.session is not None:
            m["sessionId"] = self.session
        os.write(self.to, json.dumps(m).encode() + b"\0")
        until = time.monotonic() + SECONDS
        while True:
            m = self.message(until)
            if m.get("id") == self.number:
                if "error" in m:
                    raise RuntimeError(method + ": " + m["error"]["message"])
                return m["result"]
            self.events.append(m)

    def wait(self, method):
        until = time.monotonic() + SECONDS
        while not any(m.get("method") == method for m in self.events):
            self.events.append(self.message(until))

    def open(self, url, width=1280, height=900, dark=False, media="",
             script=True):
        """Load a page anew, in a window that is so wide; wait for its end."""
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])
        self.events = []
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def ask(self, expression):
        """The value of a script's expression, in the page."""
        r = self.call("Runtime.evaluate", expression=expression,
                      returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise RuntimeError(json.dumps(r["exceptionDetails"]))
        return r["result"].get("value")

    def requests(self):
        """What was asked for since open(), the page itself left out."""
        urls = [m["params"]["request"]["url"] for m in self.events
                if m.get("method") == "Network.requestWillBeSent"]
        return urls[1:]

    def complaints(self):
        """What stands on the console since open()."""
        return [json.dumps(m["params"]) for m in self.events
                if m.get("method") in ("Runtime.consoleAPICalled",
                                       "Runtime.exceptionThrown",
                                       "Log.entryAdded")]

    def picture(self, path, top=0, height=None):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "scale": 1,
                "height": height or size["height"] - top}
        r = self.call("Page.captureScreenshot", format="png", clip=clip,
                      captureBeyondViewport=True)
        with open(path, "wb") as f:
            f.write(base64.b64decode(r["data"]))

    def paper(self):
        """The page as it is printed, a PDF."""
        r = self.call("Page.printToPDF", preferCSSPageSize=True,
                      printBackground=True)
        return base64.b64decode(r["data"])
