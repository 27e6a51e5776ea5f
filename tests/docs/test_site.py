"""The documentation's site: built with warnings as errors, whole, and at home without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from kvchaos.cli import VERBS
from kvchaos.discovery import discovered
from tests.docs.reader import TOP

pytestmark = pytest.mark.timeout(120)

FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
KEPT = {"canonical", "next", "prev"}
"""Relations of a ``link`` that no browser fetches by itself."""


class Page(HTMLParser):
    """What a page refers to: what a browser fetches by itself, where links lead; its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.anchors |= {said.get("id", ""), said.get("name", "")}
        for name, value in said.items():
            if (tag, name) in FETCHED and said.get("rel") not in KEPT:
                self.fetched.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=TOP,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages(site: Path) -> Iterator[tuple[str, Page]]:
    """Every page of the site by its path in it."""
    for path in sorted(site.rglob("*.html")):
        yield str(path.relative_to(site)), Page(path)


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    """Fonts, scripts and pictures are in the site: it is read without a network."""
    outside = [
        (name, url) for name, page in pages(site) for url in page.fetched if urlsplit(url).netloc
    ]
    styles = [
        (style.name, url)
        for style in site.rglob("*.css")
        for url in re.findall(r"url\(\s*[\"']?(https?:[^)\"']+)", style.read_text("utf-8"))
    ]

    assert (outside, styles) == ([], [])


def test_every_link_within_the_site_leads_to_a_page_and_to_a_place_on_it(site: Path) -> None:
    """Also those that the reference was made with."""
    known = {site / name: page for name, page in pages(site)}
    lost = [
        (str(path.relative_to(site)), link)
        for path, page in known.items()
        for link in page.links
        if path.name != "404.html" and not _leads_somewhere(path, link, known)
    ]

    assert lost == []


def _leads_somewhere(path: Path, link: str, known: dict[Path, Page]) -> bool:
    url = urlsplit(link)
    if url.scheme or url.netloc:
        return True
    target = (path.parent / unquote(url.path)).resolve() if url.path else path
    target = target / "index.html" if target.is_dir() else target
    if target not in known:
        return target.is_file()
    return not url.fragment or unquote(url.fragment) in known[target].anchors


def test_the_reference_names_every_verb_action_probe_and_fault(site: Path) -> None:
    """What can be typed or put into an experiment is in it."""
    commands = Page(site / "reference" / "commands.html").anchors
    functions = (site / "reference" / "actions-and-probes.html").read_text(encoding="utf-8")
    faults = Page(site / "reference" / "faults.html").anchors
    names = [each["name"] for each in discovered()["activities"] if each["type"] != "control"]

    assert [verb for verb in VERBS if f"kvchaos-{verb}" not in commands] == []
    assert [name for name in names if name not in functions] == []
    templates = [path.name.partition(".")[0] for path in (TOP / "templates").glob("*.j2")]
    assert [name for name in templates if name not in faults] == []
