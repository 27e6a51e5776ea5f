"""The one tree of errors. Each says what went wrong, what was wanted, what was seen, where to look.

Chaos Toolkit's journal keeps only ``module.Class: message``, so the class names and the messages
here are a user interface. Errors of other libraries are mapped in the one module that imports
the library, with ``raise ... from error``.
"""

from __future__ import annotations


class KVChaosError(Exception):
    """Base of all errors that a user may see; its fields make its text."""

    exit_code = 2

    def __init__(self, what: str, *, wanted: str = "", saw: str = "", look: str = "") -> None:
        self.what = what
        self.wanted = wanted
        self.saw = saw
        self.look = look
        super().__init__(self.text())

    def text(self) -> str:
        """One line: ``what: wanted W, saw S; see: L``, with the parts that are known."""
        seen = ", ".join(
            part
            for part in (
                f"wanted {self.wanted}" if self.wanted else "",
                f"saw {self.saw}" if self.saw else "",
            )
            if part
        )
        line = f"{self.what}: {seen}" if seen else self.what
        return f"{line}; see: {self.look}" if self.look else line


class UsageError(KVChaosError):
    """The user's input is not usable; nothing was touched."""

    exit_code = 4


class ExperimentInvalid(UsageError):
    """An experiment file that cannot be run as it stands."""


class TemplateInvalid(UsageError):
    """A fault template, its values, or what it rendered to."""


class ClusterError(KVChaosError):
    """The Kubernetes API answered with an error, or not at all."""


class ContextNotFound(ClusterError, UsageError):
    """The named context is in no kubeconfig."""

    exit_code = 4


class ClusterUnreachable(ClusterError):
    """No answer from the API server within the bound."""


class NotFound(ClusterError):
    """HTTP 404: no such object, or no such kind."""


class AlreadyExists(ClusterError):
    """HTTP 409 with reason AlreadyExists."""


class Conflict(ClusterError):
    """HTTP 409 for any other reason: the object changed meanwhile."""


class Forbidden(ClusterError):
    """HTTP 401 or 403."""


class Invalid(ClusterError):
    """HTTP 400, 415 or 422: the server refused the object."""


class Gone(ClusterError):
    """HTTP 410: the resource version is too old; list again."""


class FaultError(KVChaosError):
    """Something about a fault: its injection, effect or recovery."""


class FaultRefused(FaultError):
    """The fault was not sent: no target, no ledger, or a rule it breaks."""


class FaultNotInjected(FaultError):
    """Sent, but Chaos Mesh did not report it injected in time.

    ``conditions`` are those last seen, ``failure`` the newest failed attempt, empty for none.
    ``may_come``: nobody answered the create, so the fault may come when nobody looks any more.
    """

    def __init__(
        self,
        what: str,
        *,
        conditions: dict[str, str] | None = None,
        failure: str = "",
        may_come: bool = False,
        wanted: str = "",
        saw: str = "",
        look: str = "",
    ) -> None:
        self.conditions = conditions or {}
        self.failure = failure
        self.may_come = may_come
        super().__init__(what, wanted=wanted, saw=saw, look=look)


class FaultNotRecovered(FaultError):
    """Deleted, but it did not go away in time, or left residue: ``left`` says what, one each."""

    def __init__(
        self,
        what: str,
        *,
        left: tuple[str, ...] = (),
        wanted: str = "",
        saw: str = "",
        look: str = "",
    ) -> None:
        self.left = left
        super().__init__(what, wanted=wanted, saw=saw or "; ".join(left), look=look)


class PreflightRefused(KVChaosError):
    """The cluster speaks against the run, which did not begin: ``findings``, a line each."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        self.findings = findings
        super().__init__("the preflight refuses the run:\n  - " + "\n  - ".join(findings))


class EngineUnreachable(KVChaosError):
    """An engine that did not answer, or has no event ports."""


class RouterUnreachable(KVChaosError):
    """The router did not answer, or not in its documented form."""


class StopConditionNotMet(KVChaosError):
    """A stop condition is breached, or cannot be asked, before the run did anything."""


class RunMissing(KVChaosError):
    """An action or probe outside a run: ``kvchaos.control`` is not declared or did not start."""


class RunStopped(KVChaosError):
    """The run was stopped before it had begun."""

    exit_code = 3


class WireError(KVChaosError):
    """A frame that is not what vLLM or SGLang publish; carries its size and its first bytes."""

    def __init__(self, what: str, *, size: int, head: bytes) -> None:
        self.size = size
        self.head = head
        super().__init__(what, saw=f"{size} bytes beginning {head.hex()}")


class LabError(KVChaosError):
    """The embedded lab could not do what was asked."""


class NobodyReads(BrokenPipeError):
    """Whoever read what is printed went away: no error of what was done, and told to nobody."""
