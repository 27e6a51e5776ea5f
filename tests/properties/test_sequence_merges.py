"""However live messages, replays, losses and restarts interleave, the tracker gives one epoch."""

from __future__ import annotations

from hypothesis import settings

from tests.sequence_machine import Streams

# Cheap examples of what is costly to get wrong: three times as many as usual.
Streams.TestCase.settings = settings(
    max_examples=3 * settings().max_examples, stateful_step_count=40
)
TestStreams = Streams.TestCase
