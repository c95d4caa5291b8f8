"""The browser that the tests of the docs' pages share."""

import pytest
from browser import opened


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, empty and under control; tests that ask for it are skipped without it."""
    driver = opened(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()
