"""What is said of a router's adapter when it is named, and what of its answers is taken."""

from __future__ import annotations

from collections.abc import Iterator

from tests.guards.removal import Guard, returns, without


def of_naming() -> Iterator[Guard]:
    """What cannot be an adapter is the user's mistake, told before anything is touched."""
    tests = "unit/index/test_router_adapters.py"
    adapters = "kvchaos.index.routers.adapters"
    yield returns(f"{adapters}:is_named", "True", tests=tests)
    yield returns(f"{adapters}:_refuse_shape", "None", tests=tests)
    yield returns(f"{adapters}:_refuse_lack", "None", tests=tests)
    yield without(
        f"{adapters}:_imported",
        "except (Exception, SystemExit) as error:",
        instead="except Exception as error:",
        tests=tests,
        what="index.routers.adapters lets a module leave with an exit code of its own",
    )
    yield without(
        "kvchaos.settings:settings_from",
        "adapter(settings.router_adapter)",
        tests="unit/test_settings.py unit/commands/test_wrong_adapter.py",
    )


def of_answering() -> Iterator[Guard]:
    """An answer in another form is none, and whatever an adapter raises has a name."""
    tests = "unit/index/test_router_adapters.py"
    checked = "kvchaos.index.routers.checked"
    yield returns(f"{checked}:_amiss_in_index", "iter(())", tests=tests)
    yield returns(f"{checked}:_amiss_in_blocks", "iter(())", tests=tests)
    yield returns(f"{checked}:_amiss_in_match", "iter(())", tests=tests)
    yield returns(f"{checked}:_amiss_in_place", "iter(())", tests=tests)
    yield returns(f"{checked}:_amiss_in_router", "iter(())", tests=tests)
    yield returns(f"{checked}:Checked._checked", "place", tests=tests)
    yield without(
        f"{checked}:Checked._asked",
        "except (Exception, SystemExit) as error:",
        instead="except Exception as error:",
        tests=tests,
        what="index.routers.checked lets an adapter end the thread that asks it",
    )
    yield without(
        f"{checked}:Checked._asked",
        "raise RouterUnreachable(self._what(what), saw=told(error)) from error",
        instead="raise",
        tests=tests,
    )
    yield without(
        "kvchaos.index.routers.adapters:adapter",
        "return Checked(_made(what, found, place), name=name)",
        instead="return _made(what, found, place)",
        tests=tests,
        what="index.routers.adapters takes any answer",
    )
    yield without(
        "kvchaos.sampling.locate:LocatedRouter._running",
        "if pods.is_alive(pod)",
        instead="",
        tests="unit/sampling/test_locate.py",
        what="sampling.locate takes a router that is about to go",
    )


def of_waiting() -> Iterator[Guard]:
    """An answer that drips would be waited for without end: by the sampler, by who pushes."""
    lab, push = "lab/test_answers_that_drip.py", "unit/report/test_push.py"
    asking, completions = "kvchaos.index.routers.asking:asked", "kvchaos.traffic.completions"
    for place, part in (
        (asking, "within(WAITS * timeout)"),
        (f"{completions}:Completions._send", "within(WAITS * self.timeout)"),
    ):
        yield without(place, part, instead="within(1e9)", tests=lab)
    yield without(
        "kvchaos.report.push:push", "_in_time(put, WAITS * timeout)", instead="put()", tests=push
    )


def of_addresses() -> Iterator[Guard]:
    """Nobody is a ghost, or another engine, because an address is asked for seldom."""
    addresses, tests = "kvchaos.sampling.addresses", "unit/sampling/test_addresses.py"
    engines = "EngineAddresses"
    for place, part, instead, what in (
        ("_names", "(at, name) != name", "(at, name) is None", "names one of two at an address"),
        ("_by_address", "filter(pods.is_alive, there)", "there", "names who had the address"),
        (f"{engines}.are_too_old", "not strangers <= own.strangers", "False", "keeps any list"),
        (f"{engines}.are_too_old", "if not own.was_kept", "if False", "asks again for each ghost"),
    ):
        yield without(
            f"{addresses}:{place}",
            part,
            instead=instead,
            tests=tests,
            what=f"sampling.addresses {what}",
        )
    for part in ("there is not None and ", "there == self.there and ", " and now - self.at < KEPT"):
        yield without(f"{addresses}:_List.is_good", part, instead="", tests=tests)
    yield returns(
        f"{addresses}:{engines}.are_too_old", "False", tests="unit/sampling/test_locate.py"
    )
