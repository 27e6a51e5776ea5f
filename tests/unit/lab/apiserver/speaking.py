"""What unit tests say to the core: requests without sockets, answers as JSON."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from kvchaos.lab.apiserver.core import Answer, Core
from kvchaos.lab.apiserver.message import Request, Response
from kvchaos.lab.apiserver.watching import Watch

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
NOW_TEXT = "2027-01-15T08:00:00Z"
PODS = "/api/v1/namespaces/ns/pods"
CONFIGMAPS = "/api/v1/namespaces/ns/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/ns/deployments"
NETWORKCHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/ns/networkchaos"
PODCHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/ns/podchaos"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


class StillClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Api:
    """A core, spoken to."""

    def __init__(self, *, window: int = 2000) -> None:
        self.clock = StillClock()
        self.core = Core(self.clock, rng=Random(0), window=window)

    def ask(
        self, method: str, target: str, body: Any = None, *, accept: str = "", content: str = ""
    ) -> Answer:
        """The answer to a request; ``target`` may carry a query."""
        path, _, text = target.partition("?")
        query: dict[str, list[str]] = {}
        for pair in filter(None, text.split("&")):
            name, _, value = pair.partition("=")
            query.setdefault(name, []).append(value)
        headers = {"accept": accept or "application/json"}
        if content or body is not None:
            usual = MERGE_PATCH if method == "PATCH" else "application/json"
            headers["content-type"] = content or usual
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        return self.core.handle(Request(method, path, query, headers, raw))

    def whole(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status code and decoded body of an answer that is no stream."""
        answer = self.ask(method, target, body, **headers)
        assert isinstance(answer, Response)
        return answer.status, json.loads(answer.body)

    def get(self, target: str, **headers: str) -> Any:
        status, body = self.whole("GET", target, **headers)
        assert status == 200, body
        return body

    def create(self, target: str, body: Any) -> Any:
        status, made = self.whole("POST", target, body)
        assert status == 201, made
        return made

    def put(self, target: str, body: Any) -> Any:
        status, made = self.whole("PUT", target, body)
        assert status == 200, made
        return made

    def patch(self, target: str, patch: Any, *, content: str = "") -> Any:
        status, made = self.whole("PATCH", target, patch, content=content)
        assert status == 200, made
        return made

    def delete(self, target: str, options: Any = None) -> Any:
        status, body = self.whole("DELETE", target, options)
        assert status == 200, body
        return body

    def refusal(self, method: str, target: str, body: Any = None, **headers: str) -> Any:
        """(code, reason, message) of an answer that must be a refusal."""
        status, refused = self.whole(method, target, body, **headers)
        assert (refused["kind"], refused["status"]) == ("Status", "Failure"), refused
        assert refused["code"] == status
        return status, refused["reason"], refused["message"]

    def names(self, target: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.get(target)["items"]]

    def watch(self, target: str, **headers: str) -> Watch:
        answer = self.ask("GET", target, **headers)
        assert isinstance(answer, Watch), answer
        return answer


def seen(watch: Watch) -> list[tuple[str, str]]:
    """The (type, name) of the events that a watch has now."""
    events = [json.loads(line) for line in watch.take()]
    return [
        (event["type"], event["object"].get("metadata", {}).get("name", "")) for event in events
    ]


def config(name: str, *, labels: dict[str, str] | None = None, **metadata: Any) -> Any:
    return {"metadata": {"name": name, "labels": labels or {}, **metadata}, "data": {"k": "v"}}


def pod(name: str, **spec: Any) -> Any:
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "img:1"}], **spec},
    }


def deployment(name: str) -> Any:
    labels = {"app": name}
    return {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "img:1"}]},
            },
        },
    }


def partition(name: str, **spec: Any) -> Any:
    return {
        "metadata": {"name": name},
        "spec": {
            "action": "partition",
            "mode": "all",
            "duration": "10s",
            "selector": {"labelSelectors": {"app": "a"}},
            **spec,
        },
    }


def owned(name: str, *owners: Any, blocking: bool = False) -> Any:
    """A config map owned by objects."""
    references = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": blocking,
        }
        for owner in owners
    ]
    return config(name, ownerReferences=copy.deepcopy(references))
