"""What every test gets: hypothesis profiles, and browser tests that cannot hide in CI."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# TensorFlow's C++ side logs to the terminal, and would take a GPU for tests that need none.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

IN_CI = os.environ.get("CI", "").casefold() not in {"", "0", "false"}

# `fast` is the default; the other: pytest --hypothesis-profile long, or HYPOTHESIS_PROFILE=long.
# A shared machine stalls now and then: no deadline, and slow generation is no failure.
settings.register_profile(
    "fast",
    deadline=None,
    max_examples=25,
    derandomize=IN_CI,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long", settings.get_profile("fast"), max_examples=1000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

# On PATH, or where the systems without a PATH for programs put it. TRAINLAPSE_CHROMIUM goes first.
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
NO_CHROMIUM = (
    "no Chromium or Chrome found; install one (Debian: apt install chromium) "
    "or set TRAINLAPSE_CHROMIUM to its path"
)


def find_chromium() -> str | None:
    """Path of the system's Chromium or Chrome."""
    named = os.environ.get("TRAINLAPSE_CHROMIUM")
    if named:
        return shutil.which(named)
    on_path = (shutil.which(name) for name in CHROMIUM_NAMES)
    elsewhere = (place for place in CHROMIUM_PLACES if Path(place).exists())
    return next((path for path in (*on_path, *elsewhere) if path), None)


@pytest.fixture(scope="session", autouse=True)
def _folders_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is kept in the user's cache and settings, by processes that tests start neither."""
    base = tmp_path_factory.getbasetemp()
    # Processes that share the work record for each other: they are one user, with one signature.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINLAPSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TRAINLAPSE_CONFIG", str(shared / "settings-of-the-tests"))
        yield


@pytest.fixture
def user_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a user of the test's own, empty at first: with no key and no signature."""
    folder = tmp_path / "settings"
    monkeypatch.setenv("TRAINLAPSE_CONFIG", str(folder))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_sought_among_what_is_new() -> Iterator[None]:
    """What a module of tests leaves behind stays: to search it again and again is slow.

    The graphs that TensorFlow has traced, and the libraries, hold more objects than all else.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser of the tests marked `browser`; skips without one, but fails in CI."""
    path = find_chromium()
    if path is None:
        if IN_CI:
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)
    return path


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for the browser, and order the files.

    Browser tests run last: Playwright keeps an event loop running in the main thread until the
    session ends, and a test after it could not start a loop of its own. On either side of that
    the long files come first, so that processes which share the work end together.
    """
    for item in items:
        if "chromium_path" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    of_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        of_file.setdefault(item.path, []).append(item)
    places = {path: _place(found) for path, found in of_file.items()}
    items.sort(key=lambda item: places[item.path])


def _place(items: list[pytest.Item]) -> tuple[bool | int, ...]:
    """Where the tests of a file stand among those of other files: a key to sort by."""
    if not any(item.get_closest_marker("browser") for item in items):
        return False, not any(item.get_closest_marker("slow") for item in items)
    # What takes long is to load a page of the explorer, one of two runs before all.
    fixtures = {name for item in items for name in getattr(item, "fixturenames", ())}
    of_two, of_one = "pair_server" in fixtures, "server" in fixtures
    return True, not of_two, not of_one, -len(items)


@pytest.fixture(autouse=True)
def _browser_tests_have_a_browser(request: pytest.FixtureRequest) -> None:
    """A test marked `browser` by hand is held to the same rule."""
    if request.node.get_closest_marker("browser"):
        request.getfixturevalue("chromium_path")


@pytest.fixture(autouse=True)
def _no_server_outlives_its_test() -> Iterator[None]:
    """Panel's servers and its process-wide state would hang the exit and reach into later tests."""
    yield
    panel = sys.modules.get("panel")
    if panel is not None:
        panel.state.kill_all_servers()
        panel.state.reset()
