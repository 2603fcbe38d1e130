"""A real Chromium, and the page in it as a person has it before them."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from .processes import SECONDS

FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage --lang=en-GB --window-size=1440,900
""".split()
NOT_OURS = ("WebSocket connection to", "Failed to load resource: net::ERR_CONNECTION")  # said while a server is down

# Everything that has a number in the shown log, in its order: [number, last number, what it says].
ROWS = """
    const rows = [...document.querySelectorAll('#lines > li')].map(row => [
        Number(row.dataset.number || row.dataset.first), Number(row.dataset.number || row.dataset.last),
        row.querySelector('.text')?.textContent ?? '']);
    return rows.filter(row => row[0]);
"""


def start(folder):
    """Return a driver of a Chromium of its own; skip the test where there is none, and in CI fail it."""
    try:
        from selenium import webdriver
    except ImportError:
        missing("selenium is not installed: pip install 'twisted_chat[test]'")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        missing("chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={folder}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(executable_path=chromedriver))


def missing(reason):
    """Skip a test for want of something; in CI nothing may be wanting."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def complaints(driver):
    """Return what the browser has complained of: blocked scripts and styles, faults in ours."""
    return [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] == "SEVERE" and not any(words in entry["message"] for words in NOT_OURS)
    ]


class Page:
    """One window with the page in it. Each call looks at this window, whichever was looked at before."""

    def __init__(self, driver, url="", handle=None):
        self.driver = driver
        if handle is None:
            driver.switch_to.new_window("window")
        self.handle = handle or driver.current_window_handle
        if url:
            self.go(url)

    def here(self):
        """Return the driver, looking at this window."""
        self.driver.switch_to.window(self.handle)
        return self.driver

    def go(self, url):
        self.here().get(url)
        self.tell("Emulation.setFocusEmulationEnabled", enabled=True)

    def tell(self, command, **arguments):
        """Tell the browser something that only a browser's maker can."""
        return self.here().execute_cdp_cmd(command, arguments)

    def look(self, width, height=844, scheme="light"):
        """Have a window of this size, and a reader who likes it light or dark."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        Path(path).write_bytes(self.here().get_screenshot_as_png())

    def ask(self, script, *arguments):
        """Return what a script returns, in the page."""
        return self.here().execute_script(script, *arguments)

    def await_(self, script, *arguments):
        """Return what a script's last argument is called with, or what it throws."""
        whole = f"""
            const done = arguments[arguments.length - 1], given = arguments;
            (async () => {{ {script} }})().then(done, error => done(`${{error.stack}}`));
        """
        return self.here().execute_async_script(whole, *arguments)

    def wait(self, script, *arguments):
        """Ask again and again until the answer is true, and return it."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            answer = self.ask(script, *arguments)
            if answer:
                return answer
            time.sleep(0.02)
        seen = self.ask("return document.body.innerText")[-2000:]
        raise AssertionError(f"{script} with {arguments} did not come true; the page shows:\n{seen}")

    # -- what a person does

    def enter(self, alias):
        """Give an alias, and be in."""
        self.wait("return !document.getElementById('entrance').hidden")
        self.press(alias, "ENTER", into="#alias")
        self.is_in()
        return self

    def is_in(self):
        self.wait("return document.body.dataset.state === 'in' && !document.getElementById('chat').hidden")

    def press(self, *keys, into=None):
        """Press keys: texts as they are, and names of keys such as ENTER; where the focus is, or in an element."""
        from selenium.webdriver.common.keys import Keys

        pressed = [getattr(Keys, key) if key.isupper() and hasattr(Keys, key) else key for key in keys]
        element = self.find(into) if into else self.here().switch_to.active_element
        element.send_keys(*pressed)

    def find(self, selector):
        return self.here().find_element("css selector", selector)

    def click(self, selector):
        self.find(selector).click()

    def paste(self, text):
        """Put any text where one types."""
        self.ask("document.getElementById('say').focus()")
        self.tell("Input.insertText", text=text)

    def say(self, *lines):
        """Say some lines in one go."""
        self.paste("\n".join(lines))
        self.press("ENTER")

    def open(self, address):
        """Go to a room or to a line, as a link does."""
        self.ask("location.hash = arguments[0]", address)

    # -- what a person sees

    @property
    def rows(self):
        return self.ask(ROWS)

    @property
    def texts(self):
        """What was said in the shown log, as far as it is there, in order."""
        return self.ask("return [...document.querySelectorAll('#lines .text')].map(one => one.textContent)")

    def hears(self, text):
        """Wait until something is shown as said."""
        self.wait(
            "return [...document.querySelectorAll('#lines .text')].some(one => one.textContent === arguments[0])", text
        )

    def shows(self, text, selector="body"):
        """Wait until a text is somewhere in an element."""
        self.wait("return document.querySelector(arguments[1])?.innerText.includes(arguments[0])", text, selector)

    def has(self, selector):
        """Wait until there is an element."""
        self.wait("return document.querySelector(arguments[0]) !== null", selector)

    def close(self):
        self.here().close()
