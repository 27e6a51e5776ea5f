"""What keeps a verdict from lying: the checks, the oracle, the comparison."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without

VERDICT = (
    "unit/verdict/test_checks.py unit/verdict/test_history_checks.py"
    " unit/verdict/test_honest_outcome.py unit/verdict/test_lasting_checks.py"
    " unit/verdict/test_status.py unit/verdict/test_each_check_alone.py"
)


def of_the_verdict() -> Iterator[Guard]:
    """What is not known is no pass, and what is left is never outweighed."""
    verdict = "unit/verdict/test_verdict.py unit/verdict/test_status.py"
    yield without(
        "kvchaos.verdict.verdict:judge",
        "if not events:",
        instead="if False:",
        tests=verdict,
        what="verdict.judge takes an empty history as any other",
    )
    yield without(
        "kvchaos.verdict.verdict:_ask",
        "return Result(name, Verdict.UNKNOWN, why)",
        instead="return Result(name, Verdict.PASS, why)",
        tests=verdict,
        what="verdict: a check that breaks is a pass",
    )
    yield returns("kvchaos.verdict.verdict:merge", "Verdict.PASS", tests=verdict)
    yield returns("kvchaos.verdict.status:left_behind", "None", tests=VERDICT)
    yield without(
        "kvchaos.verdict.status:status_of",
        "*aborted,",
        instead="",
        tests=verdict,
        what="verdict.status: a run that was stopped is not aborted",
    )
    for name in ("_doubt", "_untimely"):
        yield returns(f"kvchaos.verdict.fault_checks:{name}", "''", tests=VERDICT)
    yield returns("kvchaos.verdict.fault_checks:_never_ended", "[]", tests=VERDICT)
    for name in ("_doubt", "_unwatched", "_asleep"):
        yield returns(f"kvchaos.verdict.index_checks:{name}", "''", tests=VERDICT)
    yield returns("kvchaos.verdict.index_checks:_wrong", "[]", tests=VERDICT)
    yield returns("kvchaos.verdict.index_checks:_wrong_again", "None", tests=VERDICT)


def of_the_oracle() -> Iterator[Guard]:
    """Nothing is called complete that is not, and nothing agreement that was not observed."""
    tests, tracker = "unit/kvevents/test_sequence.py", "kvchaos.kvevents.sequence:Tracker."
    for name, lines, instead, what in (
        ("_ask", "self._proven = self.next == 0", "self._proven = True", "asks for no proof"),
        (
            "replayed",
            "known is not None and known != hash(message.payload)",
            "False",
            "compares no payloads of a replay",
        ),
        ("replayed", "if not self._proven:", "if False:", "takes an unproven history for a proven"),
        ("replay_ended", " or not self._proven", "", "takes a history that ends early"),
        ("_passed", "return self._restart(message)", "return DUPLICATE", "overlooks a restart"),
        ("_restart", "if not asked:", "if True:", "ends a check at a restart"),
        (
            "replay_failed",
            "self._life.reason = self._life.reason or SILENT",
            "pass",
            "says nothing of a replay that nobody answered",
        ),
        ("_restart", "self._life.held if keep else {}", "self._life.held", "keeps what is stale"),
    ):
        told = f"kvevents.sequence.Tracker {what}"
        yield without(f"{tracker}{name}", lines, instead=instead, tests=tests, what=told)
    for lines, instead, what in (
        ("self.asking or ", "", "takes a run although a replay is under way"),
        ("if numbers != [seq for seq, _ in messages]:", "if False:", "takes any run for the next"),
    ):
        told = f"kvevents.sequence.Tracker {what}"
        yield without(f"{tracker}run", lines, instead=instead, tests=tests, what=told)
    yield returns("kvchaos.kvevents.epoch:Epoch.doubt", "None", tests=tests)
    follower, at = "unit/observer/test_follower.py", "kvchaos.observer.follower:Follower."
    yield returns(f"{at}trouble", "''", tests=follower)
    yield returns(f"{at}_incomplete", "None", tests=follower)
    yield without(f"{at}_linked", "self._heed(self.tracker.check())", tests=follower)
    yield returns(
        "kvchaos.observer.roster:Roster.trouble", "''", tests="unit/observer/test_roster.py"
    )
    yield returns(
        "kvchaos.kvevents.blockwire:_are_numbers", "True", tests="unit/kvevents/test_blockwire.py"
    )
    yield returns(
        "kvchaos.kvevents.blockwire:_all_take_two_bytes",
        "True",
        tests="unit/kvevents/test_blockwire.py",
    )
    yield without(
        "kvchaos.observer.follower:Follower._take_run",
        "self._fresh or ",
        instead="",
        tests="unit/observer/test_follower.py",
        what="observer.follower does not look at an engine's first batch",
    )
    yield without(
        "kvchaos.index.oracle:Holdings.run",
        "self._told = None",
        instead="pass",
        tests="unit/index/test_oracle.py",
        what="index.oracle gives an old answer after a batch",
    )
    yield without(
        "kvchaos.index.oracle:Holdings.run",
        "if complete and (self.unmatched or self.unknown):",
        instead="if False:",
        tests="unit/index/test_oracle.py",
        what="index.oracle goes on in a run although the engine is in doubt",
    )
    yield without(
        "kvchaos.index.oracle:Copies.remove",
        "if more and block in more:",
        instead="if False:",
        tests="unit/index/test_oracle.py",
        what="index.oracle forgets a block's other copies",
    )
    compare = "unit/index/test_compare.py"
    yield returns("kvchaos.index.compare:_incomplete", "{}", tests=compare)
    yield returns("kvchaos.index.compare:_not_followed", "{}", tests=compare)
    yield without(
        "kvchaos.index.compare:placed",
        "if told is None:",
        instead="if told is None: continue\n        if False:",
        tests=compare,
        what="index.compare leaves out the blocks of which the router tells nothing",
    )
    yield without(
        "kvchaos.index.compare:Difference.agrees",
        "True if self.compared and not self.unknown else None",
        instead="True",
        tests=compare,
        what="index.compare takes what is not known for agreement",
    )
    dynamo = "kvchaos.index.routers.dynamo:"
    for name, lines, what in (
        ("DynamoIndexer._of_model", "if not self._was_there:", "takes a model that is not there"),
        ("_Names.by_pod", "if place in found:", "takes one of two workers for an engine"),
        ("_unsigned", "if least not in SIGNED or max(hashes) not in SIGNED:", "cuts a hash short"),
        ("_endpoint", 'if len(hosts) == 1 else ""', "guesses a rank's pod"),
    ):
        yield without(
            f"{dynamo}{name}",
            lines,
            instead="if hosts else ''" if name == "_endpoint" else "if False:",
            tests="unit/index/test_dynamo.py",
            what=f"routers.dynamo {what}",
        )
    yield without(
        "kvchaos.sampling.sampler:Sampler._look",
        "if before != after:",
        instead="if False:",
        tests="unit/sampling/test_sampler.py",
        what="sampling.sampler looks at the oracle once",
    )
    yield without(
        "kvchaos.sampling.timeline:agreed_at",
        "if sample.began >= due:",
        instead="if sample.began >= marks.judged:",
        tests="unit/sampling/test_timeline.py",
        what="sampling.timeline counts looks that follow closely",
    )
    yield returns(
        "kvchaos.sampling.timeline:_may_be_on_its_way",
        "True",
        tests="unit/sampling/test_timeline.py",
        what="sampling.timeline takes a ghost for an event on its way",
    )
    yield without(
        "kvchaos.sampling.timeline:agreed_at",
        "sample.began - wrong > apart:",
        instead="False:",
        tests="unit/sampling/test_timeline.py",
        what="sampling.timeline takes any gap between looks for an event on its way",
    )
    yield returns("kvchaos.sampling.effect:_fresh", "1", tests="unit/sampling/test_effect.py")
    yield without(
        "kvchaos.run.recovery:_verdict",
        "if healed is None or judged is None:",
        instead="if healed is None:",
        tests="unit/run/test_recovery.py",
        what="run.recovery judges without a flush",
    )
    yield without(
        "kvchaos.run.recovery:recovered",
        "last_agrees(samples) and",
        instead="",
        tests="unit/run/test_recovery.py",
        what="run.recovery ends with whatever look it has",
    )
    yield returns("kvchaos.run.recovery:_is_behind", "True", tests="unit/run/test_recovery.py")
    yield without(
        "kvchaos.run.recovery:_is_behind",
        "and not later.meets(earlier)",
        instead="",
        tests="unit/run/test_recovery.py",
        what="run.recovery takes what stays wrong for a router that is behind",
    )
    yield returns("kvchaos.run.requests:_excuse", "''", tests="unit/run/test_requests.py")
    yield without(
        "kvchaos.run.requests:_excuse",
        "theirs not in (None, ours)",
        instead="False",
        tests="unit/run/test_requests.py",
        what="run.requests blames a router for blocks of another size",
    )
    yield without(
        "kvchaos.observer.intake:Intake._doubt",
        "self._wanted and now.block_size not in (None, self._wanted)",
        instead="False",
        tests="unit/observer/test_follower.py",
        what="observer.intake takes blocks of any size",
    )
    yield without(
        "kvchaos.index.oracle:Holdings._learn_size",
        "and not event.group_idx",
        instead="",
        tests="unit/index/test_oracle.py",
        what="index.oracle learns the block size from any group",
    )
