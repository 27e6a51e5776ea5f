"""The part of kustomize that ``deploy/`` uses: a folder with a kustomization → objects.

``resources`` (files and folders), ``namespace``, ``labels``, ``commonLabels``, ``images``,
``replicas``, ``patches`` (strategic or JSON 6902, inline or by file, with or without ``target``).
Anything else is refused: a field silently ignored would make the lab differ from a real cluster.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

from kvchaos.errors import LabError

Object = dict[str, Any]

_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CLUSTER_KINDS = frozenset(
    {"Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_KEYS = ("name", "containerPort", "mountPath", "port", "key", "ip")


def build(folder: Path) -> list[Object]:
    """The objects of the kustomization in ``folder``, in the order in which they are listed.

    Raises:
        LabError: no kustomization there, a field that is not supported, or a patch without target.
    """
    file = _kustomization(folder)
    spec = _load(file)[0]
    unknown = spec.keys() - _STEPS.keys() - {"apiVersion", "kind", "resources"}
    if unknown:
        raise LabError(
            f"{file}: not supported by the lab", wanted=", ".join(_STEPS), saw=", ".join(unknown)
        )
    objects = [each for name in spec.get("resources") or [] for each in _resource(folder / name)]
    for key, step in _STEPS.items():
        if key in spec:
            objects = step(objects, spec[key], folder)
    return objects


def _resource(path: Path) -> list[Object]:
    return build(path) if path.is_dir() else _load(path)


def _load(path: Path) -> list[Object]:
    try:
        text = path.read_text(encoding="utf-8")
        return [each for each in yaml.load_all(text, Loader=_LOADER) if each]
    except (OSError, yaml.YAMLError) as error:
        raise LabError(f"{path}: cannot be read", saw=str(error)) from error


def _kustomization(folder: Path) -> Path:
    for name in _FILES:
        if (folder / name).is_file():
            return folder / name
    raise LabError(f"{folder}: no kustomization", wanted=" or ".join(_FILES))


def _namespace(objects: list[Object], namespace: str, folder: Path) -> list[Object]:
    del folder
    for each in objects:
        if each["kind"] == "Namespace":
            each["metadata"]["name"] = namespace
        elif each["kind"] not in _CLUSTER_KINDS:
            each["metadata"]["namespace"] = namespace
        for subject in each.get("subjects") or []:
            if subject.get("kind") == "ServiceAccount":
                subject["namespace"] = namespace
    return objects


def _labels(objects: list[Object], entries: list[Object], folder: Path) -> list[Object]:
    for entry in entries:
        pairs = entry["pairs"]
        if entry.get("includeSelectors"):
            _common_labels(objects, pairs, folder)
            continue
        for each in objects:
            _add_labels(each, pairs)
            template = (
                each.get("spec", {}).get("template") if entry.get("includeTemplates") else None
            )
            if template:
                _add_labels(template, pairs)
    return objects


def _common_labels(objects: list[Object], pairs: dict[str, str], folder: Path) -> list[Object]:
    del folder
    for each in objects:
        _add_labels(each, pairs)
        spec = each.get("spec") or {}
        if "template" in spec:
            _add_labels(spec["template"], pairs)
            spec["selector"].setdefault("matchLabels", {}).update(pairs)
        elif each["kind"] == "Service" and spec.get("selector"):
            spec["selector"].update(pairs)
    return objects


def _add_labels(body: Object, pairs: dict[str, str]) -> None:
    body.setdefault("metadata", {}).setdefault("labels", {}).update(pairs)


def _images(objects: list[Object], images: list[Object], folder: Path) -> list[Object]:
    del folder
    for container in (each for body in objects for each in _containers(body)):
        for change in images:
            name, tag = _split(container.get("image", ""))
            if name == change["name"]:
                tag = f":{change['newTag']}" if "newTag" in change else tag
                tag = f"@{change['digest']}" if "digest" in change else tag
                container["image"] = change.get("newName", name) + tag
    return objects


def _split(image: str) -> tuple[str, str]:
    """The name of an image, and its tag or digest with its sign."""
    match = re.fullmatch(r"(.+?)((?::[^:/@]+)?(?:@.+)?)", image)
    return (match[1], match[2]) if match else (image, "")


def _containers(body: Object) -> list[Object]:
    spec = body.get("spec") or {}
    pod = spec.get("template", {}).get("spec", {}) if body["kind"] != "Pod" else spec
    return [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]


def _replicas(objects: list[Object], entries: list[Object], folder: Path) -> list[Object]:
    del folder
    for entry in entries:
        matching = [each for each in objects if each["metadata"]["name"] == entry["name"]]
        for each in matching:
            each["spec"]["replicas"] = entry["count"]
        if not matching:
            raise LabError(f"replicas: no object is named {entry['name']}")
    return objects


def _patches(objects: list[Object], entries: list[Object], folder: Path) -> list[Object]:
    for entry in entries:
        text = entry.get("patch") or (folder / entry["path"]).read_text(encoding="utf-8")
        for patch in yaml.load_all(text, Loader=_LOADER):
            objects = _patch(objects, patch, entry.get("target"))
    return objects


def _patch(objects: list[Object], patch: Any, target: Object | None) -> list[Object]:
    wanted = target or _target_of(patch)
    hit = [each for each in objects if _is_target(each, wanted)]
    if not hit:
        raise LabError("a patch has no target", wanted=str(wanted))
    if isinstance(patch, list):
        return [jsonpatch.apply_patch(each, patch) if each in hit else each for each in objects]
    changed = [merge(each, patch) if each in hit else each for each in objects]
    return [each for each in changed if each.get("$patch") != "delete"]


def _target_of(patch: Any) -> Object:
    if isinstance(patch, list):
        raise LabError("a JSON patch needs a target", saw=str(patch)[:80])
    return {"kind": patch["kind"], "name": patch["metadata"]["name"]}


def _is_target(body: Object, target: Object) -> bool:
    labels = body["metadata"].get("labels") or {}
    wanted = dict(
        pair.split("=", 1) for pair in target.get("labelSelector", "").split(",") if "=" in pair
    )
    return (
        re.fullmatch(target.get("kind", ".*"), body["kind"]) is not None
        and re.fullmatch(target.get("name", ".*"), body["metadata"]["name"]) is not None
        and wanted.items() <= labels.items()
    )


def merge(body: Any, patch: Any) -> Any:
    """``body`` with a strategic merge patch: maps merged, lists merged by name, null removes."""
    if isinstance(body, dict) and isinstance(patch, dict):
        return _merge_map(body, patch)
    if isinstance(body, list) and isinstance(patch, list):
        return _merge_list(body, patch)
    return copy.deepcopy(patch)


def _merge_map(body: Object, patch: Object) -> Object:
    result = {key: value for key, value in body.items() if key not in patch}
    for key, value in patch.items():
        if value is not None:
            result[key] = merge(body[key], value) if key in body else copy.deepcopy(value)
    return {key: result[key] for key in [*body, *patch] if key in result}


def _merge_list(body: list[Any], patch: list[Any]) -> list[Any]:
    """Merged by the first merge key that every element has; replaced when there is none."""
    both = [*body, *patch]
    shared = (key for key in _MERGE_KEYS if all(isinstance(e, dict) and key in e for e in both))
    key = next(shared, None)
    if key is None or not both:
        return copy.deepcopy(patch)
    changes = {each[key]: each for each in patch}
    merged = [merge(each, changes.pop(each[key], {})) for each in body]
    kept = [each for each in merged if each.get("$patch") != "delete"]
    return [*kept, *copy.deepcopy(list(changes.values()))]


_STEPS: dict[str, Callable[[list[Object], Any, Path], list[Object]]] = {
    "patches": _patches,
    "images": _images,
    "replicas": _replicas,
    "namespace": _namespace,
    "commonLabels": _common_labels,
    "labels": _labels,
}
