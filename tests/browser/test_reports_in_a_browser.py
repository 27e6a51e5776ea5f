"""The reports looked at in a real browser: nothing is cut off, overlaps, or is fetched.

The pictures are in KVCHAOS_SCREENSHOTS, or in the test's own folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from kvchaos.gameday.page import day_page
from kvchaos.report.folder import RunData, read_run
from kvchaos.report.html import Spread, distribution_chart, page, part, run_page
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests import gamedays
from tests.builders import (
    run_that_left_residue,
    run_with_a_pod_killed,
    run_with_router_unreachable,
)

RUNS = Path(__file__).parents[1] / "data" / "runs"
LOOKS = (Path(__file__).parent / "looks.js").read_text()
MODES = {"light": ("light", 1200), "dark": ("dark", 1200), "narrow": ("light", 390)}
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"

pytestmark = pytest.mark.timeout(120)


def recorded(name: str) -> str:
    """The page of a run as the lab once left it."""
    return run_page(read_run(RUNS / name))


def told(events: list[dict[str, Any]]) -> str:
    """The page of a history that was made up."""
    return run_page(RunData(Path("run"), [*events], as_json(events, judge(events)), {}, {}))


def side_by_side() -> str:
    """A page of distributions, as a game day and a comparison have them."""
    rows = [
        Spread(name="before: network-partition", values=[0.5 + 0.02 * at for at in range(20)]),
        Spread(name="now: network-partition", values=[0.9, 1.4, 0.7], kind="three", note="1 late"),
        Spread(name="pod-kill", values=[0.62]),
        Spread(name="router-restart", values=[]),
    ]
    body = part("hero", "unknown", "What got worse", "Since the last game day")
    body += part("section", "recovery", "Recovery", distribution_chart(rows, limit=2.0))
    return page("Game day", body, status="unknown", contents=[("recovery", "Recovery")])


RECORDED = ("pass", "fail", "aborted")
OTHERS: dict[str, Callable[[], str]] = {
    "residue": lambda: told(run_that_left_residue()),
    "pod-killed": lambda: told(run_with_a_pod_killed()),
    "unknown": lambda: told(run_with_router_unreachable()),
    "side-by-side": side_by_side,
    "game-day": lambda: day_page(gamedays.told()),
}


@dataclass
class Seen:
    """What a browser did with a page: what it asked for, what it complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the system, or the one of playwright; a skip where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go."""
    named = os.environ.get("KVCHAOS_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str, str], Seen]]:
    """Opens a page in a mode."""
    contexts = []

    def open_it(text: str, mode: str) -> Seen:
        scheme, width = MODES[mode]
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        seen.page.on("console", lambda message: seen.said.append(message.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.goto(file.as_uri())
        seen.asked[:] = [url for url in seen.asked if not url.startswith("data:")]
        assert seen.asked == [file.as_uri()]
        return seen

    yield open_it
    for context in contexts:
        context.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", RECORDED)
def test_a_report_is_whole_at_every_width_and_in_every_light(
    name: str, mode: str, opened: Callable[[str, str], Seen], shots: Path
) -> None:
    """No text is cut off, overlaps, is small or pale; nothing scrolls sideways; all is within."""
    seen = opened(recorded(name), mode)

    seen.page.screenshot(path=shots / f"{name}-{mode}.png", full_page=True)

    assert seen.page.evaluate(LOOKS) == []
    seen.page.evaluate(UNFOLD)
    assert seen.page.evaluate(LOOKS) == []
    assert seen.said == []


@pytest.mark.parametrize("name", OTHERS)
def test_other_pages_are_whole_on_a_phone(name: str, opened: Callable[[str, str], Seen]) -> None:
    """As above, where it is tightest, for what was left, not known, or set side by side."""
    seen = opened(OTHERS[name](), "narrow")

    seen.page.evaluate(UNFOLD)

    assert seen.page.evaluate(LOOKS) == []
    assert seen.said == []


@pytest.mark.parametrize(
    ("style", "finding"),
    [
        ("h1{height:9px;overflow:hidden}", "cut off: "),
        (".about{margin-top:-40px}", "overlapping: "),
        ("h1{white-space:nowrap;width:2000px}", "scrolls sideways: "),
        (".tile .value{font-size:70px}", "outgrows its frame: "),
        (".facts dt{color:#bbb}", "contrast "),
        (".facts dt{font-size:9px}", "small (9px)"),
    ],
    ids=["cut", "overlap", "wide", "outgrown", "pale", "small"],
)
def test_what_is_wrong_with_a_page_is_found(
    style: str, finding: str, opened: Callable[[str, str], Seen]
) -> None:
    """Else the tests above prove nothing."""
    seen = opened(recorded("pass").replace("</style>", f"{style}</style>"), "light")

    found = seen.page.evaluate(LOOKS)

    assert any(each.startswith(finding) for each in found), found


def test_the_pointer_shows_every_charts_value(opened: Callable[[str, str], Seen]) -> None:
    """Over one chart, all say what they show at that moment; beside it, none does."""
    seen = opened(recorded("fail"), "light")
    said = seen.page.locator(".said:visible")

    assert said.count() == 0
    seen.page.locator(".area-of").first.hover()

    assert said.first.inner_text() == "11.7 s: missing 17"
    assert seen.page.evaluate(LOOKS) == []


def test_a_report_is_printed_on_white(opened: Callable[[str, str], Seen]) -> None:
    """Whatever the screen's light; and what is folded is on the paper, too."""
    seen = opened(recorded("aborted"), "dark")

    seen.page.emulate_media(media="print")

    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert seen.page.get_by_text("recovery replay").is_visible()


def test_a_report_needs_no_script(browser: Browser, tmp_path: Path) -> None:
    """All that is to be read is there without one."""
    file = tmp_path / "report.html"
    file.write_text(recorded("fail"), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)

    page = context.new_page()
    page.goto(file.as_uri())

    assert page.locator("h1").inner_text().startswith("The router's index did not become right")
    assert page.locator(".check.fail .name").all_inner_texts() == [
        "recovered within budget · fail",
        "steady state after · fail",
    ]
    context.close()


def test_what_a_run_says_is_never_run(opened: Callable[[str, str], Seen]) -> None:
    """Markup in a history is text: it makes no element, asks for nothing, runs nothing."""
    hostile = "<img src=http://kvchaos.invalid/x onerror=alert(1)><script>alert(2)</script>"
    events = [
        {**each, "experiment": hostile} if each["event"] == "run_started" else each
        for each in run_that_left_residue()
    ]

    seen = opened(told(events), "light")

    assert seen.page.locator("img").count() == 0
    assert seen.page.locator(".about").inner_text() == hostile
    assert seen.said == []
