"""The page in a real browser: from the address that was printed to a picture, by mouse and by keyboard."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
QUIET = [
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TRANSPORT_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, served by the command."""
    settings = tmp_path_factory.mktemp("page") / "plugins.yaml"
    settings.write_text(f"history: {{enabled: true, path: {settings.parent}/runs.db}}\n")
    command = [
        sys.executable, "-m", "platform_base.cli.main", "web", "--port", "0", "--json", "--config", str(settings),
        "--plugins", str(REPOSITORY / "tests" / "web" / "plugins"), "--plugins", str(REPOSITORY / "plugins"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["address"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    # Chromium's own sandbox does not start under root.
    flags = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    with playwright_api.sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        except playwright_api.Error as error:
            if os.geteuid() == 0:
                raise
            # Where users may make no namespaces, Chromium's own sandbox cannot be had.
            pytest.skip(f"Chromium does not start for this user: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.fixture
def page(browser, address: str):
    """A tab that has opened the address; scripts that fail and what the policy refuses fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(TRANSPORT_MS)
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    tab.goto(address)
    yield tab
    assert tab.title() != "owned"
    assert faults == []
    context.close()


def drawn(tab, place: int = 1, times: int = 1) -> None:
    """Wait until a picture was drawn so many times."""
    tab.wait_for_selector(f'.panel:nth-of-type({place})[data-drawn="{times}"]')


def go(tab, path: str) -> None:
    tab.goto(f"{tab.url.split('/', 3)[0]}//{tab.url.split('/')[2]}{path}")


def test_a_column_of_an_uploaded_file_is_run_zoomed_and_downloaded(page, tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    spike = np.zeros(200_000)
    spike[123_456] = 5.0
    np.savetxt(
        file, np.column_stack([np.arange(200_000), spike]), delimiter=",", header="t,level", comments="", fmt="%g"
    )
    page.click("text=hostile")
    page.set_input_files("#file", str(file))
    page.click(".upload button")
    page.wait_for_selector("text=long.csv")
    page.uncheck("input[value='t']")
    page.check("input[value='level']")
    page.fill("#p-factor", "2")
    page.click("button.primary")
    drawn(page)
    assert "Samples 1 to 200000 of 200000" in page.inner_text(".panel .plot-note")
    page.focus(".plot")
    page.keyboard.press("+")
    drawn(page, times=2)
    assert "Samples 50001 to 150000" in page.inner_text(".panel .plot-note")
    box = page.locator(".panel .u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=3)
    page.mouse.up()
    drawn(page, times=3)
    numbers = [int(word) for word in page.inner_text(".panel .plot-note").split() if word.isdigit()]
    start, stop = numbers[:2]
    assert abs(start - 100_000) < 1000
    assert abs(stop - 125_000) < 1000
    page.keyboard.press("0")
    with page.expect_download() as download:
        page.click("text=NPY")
    assert np.load(download.value.path()).max() == 10.0


def test_a_column_among_thousands_is_found_by_its_name(page, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text(",".join(f"sensor {number}" for number in range(3000)) + "\n" + ",".join(["1"] * 3000) + "\n")
    page.click("text=hostile")
    page.set_input_files("#file", str(file))
    page.click(".upload button")
    page.wait_for_selector("text=200 are shown")
    page.uncheck("input[value='sensor 0']")
    page.fill("#f-series", "2999")
    page.wait_for_selector("text=1 are shown; 1 of 3000")
    page.press("#f-series", "Enter")
    page.check("input[value='sensor 2999']")
    page.fill("#f-series", "sensor 12")
    page.wait_for_selector("text=112 are shown; 111 of 3000")
    assert page.evaluate("[...document.querySelectorAll('.columns :checked')].map(each => each.value)") == [
        "sensor 2999"
    ]
    page.fill("#p-factor", "3")
    page.click("button.primary")
    page.wait_for_selector("text=wide.csv: sensor 2999")


def test_progress_is_shown_and_cancel_stops_the_run(page) -> None:
    go(page, "/plugins/hostile")
    page.select_option("#p-act", "hang")
    page.fill("#p-factor", "1")
    page.fill("#timeout", "300")
    page.click("button.primary")
    page.wait_for_selector("text=25 percent")
    page.wait_for_selector("#told:has-text('25 percent')", state="attached")
    page.click("text=Cancel")
    page.wait_for_selector("text=its worker has ended")


def test_a_run_that_ends_while_it_is_watched_shows_its_end(page) -> None:
    go(page, "/plugins/hostile")
    page.select_option("#p-act", "hang")
    page.fill("#p-factor", "1")
    page.fill("#timeout", "2")
    page.click("button.primary")
    page.wait_for_selector("text=PluginTimeoutError")


def test_faults_are_read_out_and_lead_to_their_field(page) -> None:
    go(page, "/plugins/hostile")
    page.fill("#p-factor", "99")
    page.click("button.primary")
    page.wait_for_selector(".error-summary:focus")
    page.click(".error-summary a")
    assert page.get_attribute("#p-factor", "aria-invalid") == "true"
    described = page.get_attribute("#p-factor", "aria-describedby").split()
    assert "got 99.0" in page.inner_text(f"#{described[-1]}")


def test_the_source_of_an_input_brings_its_columns(page) -> None:
    go(page, "/plugins/hostile")
    page.select_option("#s-series", "typed")
    page.wait_for_selector("#t-series")
    page.fill("#t-series", "1 2 3")
    page.fill("#p-factor", "1")
    page.click("button.primary")
    drawn(page)


def test_an_alignment_is_drawn_with_its_connectors_and_its_path(page) -> None:
    go(page, "/plugins/aligner")
    page.click("button.primary")
    for place in (1, 2, 3):
        drawn(page, place)
    assert page.locator(".panel canvas").count() == 3
    label = page.get_attribute(".panel-alignment .plot", "aria-label")
    assert "reference: 60 samples" in label


def test_the_language_is_switched_and_kept(page) -> None:
    page.click("a[lang=pt]")
    page.wait_for_selector("html[lang='pt-BR']")
    go(page, "/workers")
    assert "Os processos" in page.inner_text("main")
    page.click("a[lang=en]")


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window_and_every_field_has_a_name(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", "/plugins/custom_filters", "/plugins/hostile", "/runs", "/workers"):
        go(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        unnamed = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
            ".filter(each => !each.labels.length && !each.ariaLabel).map(each => each.outerHTML)"
        )
        assert unnamed == []
        assert page.locator("main h1").count() == 1


def test_nothing_is_asked_of_any_other_host(page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/plugins/hostile", "/runs"):
        go(page, path)
    host = address.split("/")[2]
    assert asked
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {host}
