"""Requests of a run: known prefixes on each engine, one to flush it, one to see where it is routed.

Engines are asked directly, one rank at a time, so that what an engine holds comes from its own
events; each prompt is new, so that no router can know it from an earlier one.
"""

from __future__ import annotations

import logging
from typing import Any

from kvchaos.clock import poll
from kvchaos.errors import EngineUnreachable, RouterUnreachable
from kvchaos.index.names import EngineId
from kvchaos.observer.intake import OTHER_SIZE
from kvchaos.run.agreement import wait_for_agreement
from kvchaos.run.session import Run
from kvchaos.traffic.completions import Completions

logger = logging.getLogger(__name__)

Json = dict[str, Any]

LOOK = "the engine's --kv-events-config, and its --block-size beside KVCHAOS_BLOCK_SIZE"


def completions(run: Run) -> Completions:
    """How this run asks for completions."""
    return Completions(model=run.settings.model, clock=run.clock)


def ask_engine(run: Run, engine: EngineId, blocks: int) -> list[int]:
    """Send one new prompt of ``blocks`` blocks to an engine; returns its token ids."""
    prompt = run.prompts.take(blocks)
    address = run.dial(engine.pod, run.settings.engine_port)
    completions(run).engine(address, prompt, rank=engine.rank)
    return prompt


def warm(run: Run, *, prefixes: int, blocks: int, visible_within: float | None) -> Json:
    """Give every engine ``prefixes`` prompts; see each publish, and the index agree if asked."""
    engines = run.observer.engines()
    if not engines:
        raise EngineUnreachable(
            "no engine to warm",
            wanted=f"running pods with {run.settings.engine_selector}",
            saw=f"none in namespace {run.settings.namespace}",
        )
    heads = {engine: run.observer.head(engine) for engine in engines}
    for engine in engines:
        for _ in range(prefixes):
            ask_engine(run, engine, blocks)
    published = await_heads(run, heads, timeout=20.0)
    answer: Json = {"engines": published, "blocks_each": prefixes * blocks}
    if visible_within is not None:
        answer["visible_after"] = wait_for_agreement(run, timeout=visible_within)
    return answer


def flush(run: Run, *, within: float) -> Json:
    """One unique request to every engine and rank; returns the seq of each afterwards."""
    engines = run.observer.engines()
    heads = {engine: run.observer.head(engine) for engine in engines}
    for engine in engines:
        ask_engine(run, engine, 1)
    answer = {"engines": await_heads(run, heads, timeout=within)}
    run.flushed = run.at()
    return answer


def await_heads(run: Run, heads: dict[EngineId, int | None], *, timeout: float) -> Json:
    """Wait until every engine published beyond its seq in ``heads``; raises, naming the silent."""

    def silent() -> list[str]:
        return [e.label for e, seq in heads.items() if run.observer.head(e) in (seq, None)]

    left, _ = poll(silent, lambda names: not names, timeout=timeout, every=0.02, clock=run.clock)
    if left:
        raise EngineUnreachable(
            f"no KV event from {', '.join(left)}",
            wanted=f"a batch on port {run.settings.event_port} within {timeout:g} s of a request",
            saw="none",
            look=f"{LOOK}, and its logs",
        )
    return {engine.label: run.observer.head(engine) for engine in heads}


def canary(run: Run, *, within: float) -> Json:
    """Whether the router comes to know a new prompt of every engine; see ``probes``."""
    engines = run.observer.engines()
    heads = {engine: run.observer.head(engine) for engine in engines}
    prompts = {engine: ask_engine(run, engine, 1) for engine in engines}
    return _visible(run, prompts, heads, within=within)


def _visible(
    run: Run,
    prompts: dict[EngineId, list[int]],
    heads: dict[EngineId, int | None],
    *,
    within: float,
) -> Json:
    """Whether the router knows these prompts; ``heads`` are the seqs of before they were sent.

    It is not to blame for what no engine published, or published in blocks of another size.
    """

    def missing() -> list[EngineId] | None:
        try:
            return [
                engine
                for engine, prompt in prompts.items()
                if run.router.match(prompt).get(engine.pod, 0) < len(prompt)
            ]
        except RouterUnreachable as error:
            logger.debug("The router did not answer: %s", error)
            return None

    left, waited = poll(
        missing, lambda names: names == [], timeout=within, every=0.05, clock=run.clock
    )
    if left is None or not prompts:
        reason = "the router did not answer" if prompts else "no engine is followed"
        return {"visible": None, "missing": [], "unknown": {"router": reason}, "waited": waited}
    unknown = {each.label: why for each in left if (why := _excuse(run, each, heads[each]))}
    for engine, why in unknown.items():
        logger.warning("Engine %s cannot be judged: %s", engine, why)
    return {
        "visible": None if left and len(unknown) == len(left) else not left,
        "missing": [engine.label for engine in left],
        "unknown": unknown,
        "waited": round(waited, 3),
    }


def _excuse(run: Run, engine: EngineId, head: int | None) -> str:
    """Why a router cannot know what this engine was asked since its seq was ``head``; or empty."""
    ours, theirs = run.settings.block_size, run.observer.block_size(engine)
    if theirs not in (None, ours):
        return OTHER_SIZE.format(theirs, ours)
    if run.observer.head(engine) in (head, None):
        return f"it published nothing for prompts of blocks of {ours} tokens: see {LOOK}"
    return ""


def prefix_routing(run: Run, *, within: float, blocks: int) -> Json:
    """Send one new prefix to each engine directly, then once through the router; see ``probes``."""
    engines = run.observer.engines()
    heads = {engine: run.observer.head(engine) for engine in engines}
    prompts = {engine: ask_engine(run, engine, blocks) for engine in engines}
    seen = _visible(run, prompts, heads, within=within)
    if seen["visible"] is None:
        return {"followed": None, "asked": 0, "engines": {}, "unknown": seen["unknown"]}
    asked = {engine.label: _route(run, engine, prompt) for engine, prompt in prompts.items()}
    return {
        "followed": seen["visible"] and all(answer["followed"] for answer in asked.values()),
        "asked": len(asked),
        "engines": asked,
        "unknown": {},
    }


def _route(run: Run, engine: EngineId, prompt: list[int]) -> Json:
    try:
        answer = completions(run).router(run.router.address(), prompt)
    except RouterUnreachable as error:
        return {"followed": False, "pod": None, "error": str(error)}
    return {
        "followed": answer.pod == engine.pod and answer.cached_tokens != 0,
        "pod": answer.pod,
        "cached_tokens": answer.cached_tokens,
        "prompt_tokens": answer.prompt_tokens,
    }
