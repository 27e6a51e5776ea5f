"""Lines that fit, in which what belongs together stays together."""

from __future__ import annotations

from kvchaos.report.layout import hanging, heading, paragraph, plain

POD = "kvchaos-engine-7c6f9d8b5-9hvwt"


def test_a_figure_and_its_unit_stand_in_one_line() -> None:
    """However narrow it is; other words are parted."""
    assert plain(paragraph("it came after 2.35 s", width=20)) == "  it came after\n  2.35 s\n"
    assert plain(paragraph("all of it was 12 sheep", width=18)) == "  all of it was 12\n  sheep\n"


def test_a_name_that_could_be_whole_is_not_broken_for_the_head_beside_it() -> None:
    """People copy names; the head has a line of its own then."""
    head = (("  <--X-->  ", ""),)

    assert plain(hanging(head, POD, width=45)) == f"  <--X-->  {POD}\n"
    assert plain(hanging(head, POD, width=40)) == f"  <--X-->\n    {POD}\n"


def test_what_stands_beside_a_title_goes_below_where_it_has_no_room() -> None:
    """A title alone is a line."""
    assert plain(heading("FAULT", "NetworkChaos kvchaos/cut", width=40)) == (
        "\nFAULT  NetworkChaos kvchaos/cut\n"
    )
    assert plain(heading("FAULT", "NetworkChaos kvchaos/cut", width=30)) == (
        "\nFAULT  NetworkChaos\n       kvchaos/cut\n"
    )
    assert plain(heading("CHECKS")) == "\nCHECKS\n"
