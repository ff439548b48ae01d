"""Tests in a real browser, for `make browser-test`: Debian's or any other Chromium, driven by Playwright, which is an optional group."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")


def chromium() -> str | None:
    """The path of a Chromium: what CHROMIUM names, or one that is installed."""
    asked = os.environ.get("CHROMIUM")
    found = [shutil.which(name) for name in ([asked] if asked else [*NAMES, *PLACES])]
    return next(filter(None, found), None)


def missing() -> str | None:
    """What a test in a browser needs and this machine lacks, in one line; None if all is there."""
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None:
        python = os.path.relpath(sys.executable)
        return f'browser tests need Playwright and axe, which come with: {python} -m pip install --no-build-isolation -e ".[browser]"'
    if chromium() is None:
        where = f"got CHROMIUM={os.environ['CHROMIUM']}" if os.environ.get("CHROMIUM") else "found none"
        return f"browser tests need Chromium, {where}: apt-get install chromium, or name one with CHROMIUM=path make browser-test"
    return None


def pytest_configure() -> None:
    if missing():
        pytest.exit(missing(), returncode=2)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A headless Chromium with a profile of its own; a test opens pages with `browser.new_page()`."""
    from playwright.sync_api import sync_playwright

    profile: Path = tmp_path_factory.mktemp("profile")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=chromium(), headless=True, args=FLAGS, env={**os.environ, "HOME": str(profile), "XDG_CONFIG_HOME": str(profile)}
        )
        yield opened
        opened.close()
