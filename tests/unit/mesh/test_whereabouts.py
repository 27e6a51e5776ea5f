"""Templates are found from wherever one is, and nowhere else than where an experiment may look."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvchaos.assets import asset
from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.whereabouts import find_template, folder_of

CUT = "templates/cut.yaml.j2"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; beside it is the folder ``DIR`` with ``experiments`` in it."""
    for folder in ("here/below", "DIR/experiments"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def template(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("kind: {{ run | tojson }}")
    return path


def test_a_template_is_looked_for_beside_its_experiment_first(here: Path) -> None:
    """Then in the folder above, which `kvchaos init` makes; then in the working directory."""
    top = here.parent / "DIR"
    experiments = top / "experiments"
    found = []
    for place in (here, top, experiments):
        template(place / CUT)
        found.append(find_template(CUT, experiments))

    assert found == [here / CUT, top / CUT, experiments / CUT]
    assert find_template("../templates/cut.yaml.j2", experiments) == top / CUT


def test_an_error_says_where_it_was_looked_for(here: Path) -> None:
    """Each place once, in their order."""
    top = here.parent / "DIR"

    with pytest.raises(TemplateInvalid) as caught:
        find_template(CUT, top / "experiments")

    places = ", ".join(str(each / CUT) for each in (top / "experiments", top, here))
    assert str(caught.value) == f"no template {CUT}: wanted a file, saw none at {places}"


@pytest.mark.parametrize("up", ["../../", "x/../../../", "/"])
def test_a_path_in_an_experiment_does_not_lead_out_of_its_folders(here: Path, up: str) -> None:
    """Not by steps up, nor from the root; the file is there, and is not what is missing."""
    template(here.parent / "secret.yaml.j2")
    name = f"{here.parent}/secret.yaml.j2" if up == "/" else f"{up}secret.yaml.j2"

    with pytest.raises(TemplateInvalid, match=r"wanted a path that stays in .*/DIR, or the work"):
        find_template(name, here.parent / "DIR" / "experiments")


def test_a_path_from_the_root_that_stays_in_its_folders_is_fine(here: Path) -> None:
    """It is the same file from everywhere."""
    own = template(here.parent / "DIR" / CUT)

    assert find_template(str(own), here.parent / "DIR" / "experiments") == own


def test_who_names_a_template_by_hand_may_name_any(here: Path) -> None:
    """As `kvchaos render ../x.yaml.j2` does, and a test of one's own."""
    own = template(here.parent / "own.yaml.j2")

    assert find_template(str(own)) == own
    assert find_template("../own.yaml.j2") == Path("../own.yaml.j2")
    with pytest.raises(
        TemplateInvalid, match=r"no template other.yaml.j2: wanted a file, saw none"
    ):
        find_template("other.yaml.j2")


def test_a_name_is_a_shipped_template_whatever_lies_beside_the_experiment(here: Path) -> None:
    """The fault that is sent is the one whose name it is."""
    template(here / "templates" / "pod-kill.yaml.j2")

    assert find_template("pod-kill", here) == asset("templates", "pod-kill.yaml.j2")
    with pytest.raises(TemplateInvalid, match=r"wanted one of .*pod-kill.*, or a path to a .j2"):
        find_template("podkill", here)


def test_the_folder_of_a_file_is_that_of_its_path(here: Path) -> None:
    """Links are left as they are, but that a step up is one from where a link leads."""
    (here.parent / "link").symlink_to(here / "below")

    assert folder_of(Path("x.json")) == here
    assert folder_of(here.parent / "link" / "x.json") == here.parent / "link"
    assert folder_of(Path("..", "link", "..", "x.json")) == here
