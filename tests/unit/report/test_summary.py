"""The summary says to a stranger what the history holds, in bounds, on any terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from kvchaos.report.summary import print_summary, summary
from kvchaos.verdict.verdict import judge
from tests import builders
from tests.builders import Json, altered, event, injected, started, without

SAMPLES = Path(__file__).parents[2] / "data" / "summaries"
RUNS: list[Callable[[], list[Json]]] = [
    builders.run_that_recovered,
    builders.run_that_stayed_wrong,
    builders.run_whose_fault_never_landed,
    builders.run_with_router_unreachable,
    builders.run_with_observer_incomplete,
    builders.run_with_a_pod_killed,
    builders.run_that_was_aborted,
    builders.run_that_left_residue,
    builders.run_whose_api_went_away,
    builders.run_that_preflight_refused,
    builders.run_whose_fault_ended_early,
    builders.run_with_a_deviation_that_healed,
]


def told(history: list[Json], *, width: int = 100) -> str:
    return summary(history, judge(history), width=width)


@pytest.mark.parametrize("run", RUNS)
def test_summary_reads_as_the_sample_does(run: Callable[[], list[Json]]) -> None:
    """The samples are kept to be read by people: change one only after reading it."""
    sample = SAMPLES / f"{run.__name__}.txt"

    assert told(run()) == sample.read_text(encoding="utf-8")


def test_the_adapter_that_asked_the_router_is_told() -> None:
    """Two of them may tell of the same router otherwise."""
    text = told(altered(builders.run_that_recovered(), "run_started", adapter="dynamo"))

    assert " router reference (replay), adapter dynamo, " in " ".join(text.split())


@pytest.mark.parametrize("width", [40, 50, 60, 63, 64, 80, 100])
@pytest.mark.parametrize("run", RUNS)
def test_summary_keeps_within_its_width(run: Callable[[], list[Json]], width: int) -> None:
    """Pod names are long, terminals are not."""
    lines = told(run(), width=width).splitlines()

    assert [line for line in lines if len(line) > width] == []


@pytest.mark.parametrize("length", range(len(builders.run_that_recovered()) + 1))
def test_every_beginning_of_a_run_can_be_told(length: int) -> None:
    """A run that was killed or aborted at any event still gets a summary, and never a pass."""
    history = builders.run_that_recovered()[:length]

    text = told(history)

    assert text.startswith("kvchaos  ")
    assert ("\n PASS " in text) == (length == len(builders.run_that_recovered()))


def test_summary_has_a_list_where_the_table_of_moments_has_no_room() -> None:
    """The same moments and figures, in lines that a terminal does not break."""
    text = told(builders.run_that_recovered(), width=60)

    assert section(text, "TIMELINE")[:7] == [
        "  - fault injected: 0.00 s",
        "  - first effect seen: 1.19 s",
        "  - fault healed (by its duration): 9.68 s (0.00 s)",
        "  - first event after the heal: 10.4 s (0.74 s)",
        "  - router found the gap: 11.2 s (1.50 s)",
        "  - router had it replayed: 11.6 s (1.90 s)",
        "  - index agrees: 12.0 s (2.35 s)",
    ]


@pytest.mark.parametrize("width", [80, 48])
def test_an_effect_that_was_seen_before_the_injection_is_told_as_that(width: int) -> None:
    """A pod is gone before Chaos Mesh says that it killed it; there is no time below 0."""
    killed = altered(builders.run_with_a_pod_killed(), "effect", effect_at=3.22)
    killed = [
        each | {"timeline": each["timeline"] | {"effect": 3.22}} if "timeline" in each else each
        for each in killed
    ]

    text = told(killed, width=width)

    lines = section(text, "TIMELINE")
    assert " ".join(lines[1].split()).lstrip("- ") in (
        "first effect seen 0.30 s before",
        "first effect seen: 0.30 s before",
    )
    assert "Chaos Mesh says that a fault is injected once it is done" in " ".join(text.split())
    assert "-0." not in text


def test_no_such_word_where_the_effect_came_after() -> None:
    """As it does when a link is cut."""
    assert "before that" not in told(builders.run_that_recovered())


def test_a_router_that_was_judged_without_traffic_is_told_as_that() -> None:
    """Its recovery is told too long, and the reader has to know why."""
    late = altered(builders.run_that_recovered(), "recovery", quiet=14.4)

    text = " ".join(told(late).split())

    assert "traffic was stopped 1.20 s after the heal, and it was judged without" in text
    assert "behind the engines" not in told(builders.run_that_recovered())


def test_summary_without_a_fault_has_no_timeline() -> None:
    """There is nothing to count from."""
    text = told([started(), event(2.0, "run_ended", journal="completed")])

    titles = [line.split("  ")[0] for line in text.splitlines() if line[:1].isupper()]
    assert titles == ["CHECKS"]


def section(text: str, title: str) -> list[str]:
    """The lines below a title, to the next empty line."""
    return text.split(f"\n{title}")[1].split("\n\n", maxsplit=1)[0].splitlines()[1:]


def test_summary_shows_what_a_partition_lets_through() -> None:
    """A cut in one direction is another fault than one in both."""
    history = builders.run_that_recovered()
    one_way = {**builders.PARTITION, "direction": "to"}
    history = [{**each, "fault": one_way} if "fault" in each else each for each in history]
    history = altered(history, "fault_recovered", asked=None)

    assert section(told(history), "FAULT")[:2] == [
        (
            "  network partition for 9.68 s (10 s at most): "
            "nothing passes from the first to the second"
        ),
        f"    {builders.ROUTER}  ---X-->  {builders.ENGINES[1]}",
    ]


def test_summary_breaks_the_line_between_many_targets() -> None:
    """All pods that were hit are named, however many."""
    targets = [{"pod": builders.ROUTER, "uid": "0b7e", "role": "."}]
    targets += [{"pod": pod, "uid": pod[-5:], "role": ".Target"} for pod in builders.ENGINES]
    history = altered(builders.run_that_recovered(), "fault_injected", targets=targets)

    assert section(told(history, width=70), "FAULT")[2:6] == [
        f"    {builders.ROUTER}",
        f"    <--X-->  {builders.ENGINES[0]},",
        f"             {builders.ENGINES[1]},",
        f"             {builders.ENGINES[2]}",
    ]


def test_summary_says_everything_for_a_side_without_pods() -> None:
    """A partition without a target cuts the pod off from all."""
    alone = [{"pod": builders.ROUTER, "uid": "0b7e", "role": "."}]
    history = altered(builders.run_that_recovered(), "fault_injected", targets=alone)

    assert section(told(history), "FAULT")[1] == f"    {builders.ROUTER}  <--X-->  everything"


def test_summary_names_the_container_that_was_killed() -> None:
    """In a pod of several, one of them."""
    target = {"pod": builders.ENGINES[0], "uid": "1", "role": ".", "container": "engine"}
    fault = {**builders.KILL, "action": "container-kill"}

    text = told([started(), injected(fault=fault, targets=[target], duration=None)])

    assert section(text, "FAULT")[:2] == [
        "  container killed",
        f"    {builders.ENGINES[0]} (container engine)",
    ]


def test_summary_names_ghosts_and_every_engine_that_stayed_wrong() -> None:
    """Missing, phantom and ghost, each with its name and number, and what the words mean."""
    left = {
        "engines": {"a/0": {"missing": 1, "phantom": 0}, "b/1": {"missing": 0, "phantom": 3}},
        "ghosts": ["c"],
        "unknown": {},
    }
    text = told(altered(builders.run_that_stayed_wrong(), "recovery", left=left))

    assert section(text, "STAYED WRONG") == [
        "  a/0  1 block missing, 0 phantom",
        "  b/1  0 blocks missing, 3 phantom",
        "  (missing: published, not in the index; phantom: in the index, no longer published)",
        "  c  ghost: in the index, but not alive",
    ]
    assert " ".join(text.split("\n FAIL   ")[1].split()) == (
        "The router's index did not become right in time: "
        "1 block missing, 3 phantom blocks on 2 engines, 1 ghost pod."
    )


def test_name_that_leaves_no_room_has_a_line_of_its_own() -> None:
    """Kubernetes allows names of 253 characters."""
    long = "engine-" + "x" * 70
    left = {"engines": {}, "ghosts": [long], "unknown": {}}

    text = told(altered(builders.run_that_stayed_wrong(), "recovery", left=left), width=80)

    assert section(text, "STAYED WRONG") == [
        f"  {long}",
        "    ghost: in the index, but not alive",
    ]


def test_summary_counts_the_evidence_that_it_does_not_print() -> None:
    """A hundred engines must not bury the verdict."""
    incomplete = {f"engine-{number}/0": "late" for number in range(100)}

    text = told(altered(builders.run_that_recovered(), "observer", incomplete=incomplete))

    assert text.count("- engine-") == 6
    assert "           - ... and 94 more\n" in text


def test_summary_says_unknown_for_a_latency_that_was_not_measured() -> None:
    """No request, no latency: not zero."""
    nothing: Json = {"sent": 0, "ok": 0, "failed": 0, "hit_tokens": 0, "prompt_tokens": 0}
    quiet: Json = {**nothing, "p50": None, "p95": None, "p99": None, "by_pod": {}}

    text = told(altered(builders.run_that_recovered(), "traffic", **quiet))

    assert section(text, "TRAFFIC") == [
        "  0 requests, 0 ok, 0 failed; none of the prompt tokens were in the engine's cache",
        "  latency p50 unknown, p95 unknown, p99 unknown",
    ]


def test_terminal_gets_no_control_character_from_outside() -> None:
    """A router's error text must not repaint the user's terminal."""
    evil = {"a\x1b]0;owned\x07/0": "bad \x1b[2J news"}
    history = altered(builders.run_that_recovered(), "observer", incomplete=evil)

    text = told(history)

    assert [char for char in text if not char.isprintable() and char != "\n"] == []


def printed(history: list[Json], *, terminal: bool, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(file=stream, force_terminal=terminal, width=80, color_system="standard")
    print_summary(history, judge(history), console=console)
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_pipe_gets_the_plain_text_unwrapped() -> None:
    """A log of a CI job is no terminal: no colours, a hundred columns."""
    history = builders.run_that_recovered()

    assert printed(history, terminal=False) == told(history)


def test_terminal_gets_colours_and_drawn_bars() -> None:
    """The bars are drawn, and differ without their colours too."""
    text = printed(builders.run_that_recovered(), terminal=True)

    assert "\x1b[1;37;42m PASS \x1b[0m" in text
    assert [glyph in text for glyph in "\u2588\u2500\u2501\u2593\u2573"] == [True] * 5


def test_terminal_without_unicode_gets_what_it_can_say() -> None:
    """An error text may hold any character; the summary is printed all the same."""
    history = altered(
        builders.run_that_recovered(), "observer", incomplete={"a/0": "gr\xfcn \u2702"}
    )

    text = printed(history, terminal=True, encoding="ascii")

    assert "gr?n ?" in text
    assert "#####" in text


def test_summary_needs_no_residue_event() -> None:
    """Nobody looked: the summary says so among the checks."""
    text = told(without(builders.run_that_recovered(), "residue"))

    assert "unknown  nothing left             nobody looked at the end" in text


def test_malformed_event_costs_its_part_and_not_the_verdict() -> None:
    """The summary is the last thing that stands between a bad record and a silent run."""
    text = told(altered(builders.run_that_recovered(), "traffic", prompt_tokens="many"))

    assert "(malformed event, this part is left out: TypeError: " in text
    assert "TRAFFIC" not in text
    assert text.endswith(
        " PASS   The router's index became right again 2.35 s after the fault healed.\n"
    )
