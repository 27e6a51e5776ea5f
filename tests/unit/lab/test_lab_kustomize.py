"""The subset of kustomize that the lab understands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kvchaos.assets import asset
from kvchaos.errors import LabError
from kvchaos.lab.kustomize import build, merge

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "engine"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "engine"}},
        "template": {
            "metadata": {"labels": {"app": "engine"}},
            "spec": {
                "containers": [
                    {
                        "name": "engine",
                        "image": "kvchaos:dev",
                        "env": [{"name": "A", "value": "1"}],
                    },
                    {"name": "sidecar", "image": "localhost:5000/side@sha256:abc"},
                ]
            },
        },
    },
}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "b"},
    "subjects": [{"kind": "ServiceAccount", "name": "s"}],
}


def folder(path: Path, objects: list[dict[str, Any]], **kustomization: Any) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "all.yaml").write_text(yaml.safe_dump_all(objects))
    content = {"resources": ["all.yaml"], **kustomization}
    (path / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return path


def containers(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["spec"]["template"]["spec"]["containers"]
    return found


def test_namespace_reaches_objects_subjects_and_the_namespace_itself(tmp_path: Path) -> None:
    """Everything but cluster-wide kinds is put there."""
    built = build(folder(tmp_path, [NAMESPACE, DEPLOYMENT, BINDING], namespace="new"))

    assert [each["metadata"] for each in built] == [
        {"name": "new"},
        {"name": "engine", "namespace": "new"},
        {"name": "b", "namespace": "new"},
    ]
    assert built[2]["subjects"] == [{"kind": "ServiceAccount", "name": "s", "namespace": "new"}]


def test_images_and_replicas_are_replaced_by_name(tmp_path: Path) -> None:
    """Tags and digests too; a registry with a port is no tag."""
    built = build(
        folder(
            tmp_path,
            [DEPLOYMENT],
            images=[
                {"name": "kvchaos", "newName": "localhost/kvchaos", "newTag": "v1"},
                {"name": "localhost:5000/side", "newTag": "2", "newName": "side"},
            ],
            replicas=[{"name": "engine", "count": 5}],
        )
    )

    assert built[0]["spec"]["replicas"] == 5
    images = [each["image"] for each in containers(built[0])]
    assert images == ["localhost/kvchaos:v1", "side:2"]


def test_overlay_patches_its_base(tmp_path: Path) -> None:
    """A strategic patch merges lists by name; a JSON patch goes to its target."""
    folder(tmp_path / "base", [DEPLOYMENT])
    strategic = {
        "kind": "Deployment",
        "metadata": {"name": "engine"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "engine", "env": [{"name": "B", "value": "2"}]},
                        {"name": "sidecar", "$patch": "delete"},
                    ]
                }
            }
        },
    }
    change = [{"op": "replace", "path": "/spec/replicas", "value": 7}]
    target = {"kind": "Deployment", "name": "eng.*"}
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": ["../base"],
                "patches": [
                    {"patch": yaml.safe_dump(strategic)},
                    {"patch": yaml.safe_dump(change), "target": target},
                ],
            }
        )
    )

    (built,) = build(tmp_path / "overlay")

    assert built["spec"]["replicas"] == 7
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert containers(built) == [{"name": "engine", "image": "kvchaos:dev", "env": env}]


def test_labels_reach_templates_only_when_told(tmp_path: Path) -> None:
    """Selectors of a Deployment must not change by accident."""
    built = build(folder(tmp_path, [DEPLOYMENT], labels=[{"pairs": {"part-of": "kvchaos"}}]))

    assert built[0]["metadata"]["labels"] == {"part-of": "kvchaos"}
    assert built[0]["spec"]["template"]["metadata"]["labels"] == {"app": "engine"}
    assert built[0]["spec"]["selector"] == {"matchLabels": {"app": "engine"}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"namePrefix": "a-"}, "not supported"),
        ({"patches": [{"patch": "kind: Pod\nmetadata: {name: x}"}]}, "no target"),
        ({"patches": [{"patch": "- {op: add}"}]}, "needs a target"),
        ({"replicas": [{"name": "nobody", "count": 1}]}, "no object is named nobody"),
        ({"resources": ["missing.yaml"]}, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, content: Any, words: str) -> None:
    """Ignoring it would make the lab differ from a real cluster without a word."""
    with pytest.raises(LabError, match=words):
        build(folder(tmp_path, [DEPLOYMENT], **content))


def test_folder_without_kustomization_is_refused(tmp_path: Path) -> None:
    """It names the file that is wanted."""
    with pytest.raises(LabError, match=r"kustomization\.yaml"):
        build(tmp_path)


def test_null_removes_and_unknown_lists_replace() -> None:
    """The rest of a strategic merge patch."""
    body = {"a": 1, "b": {"c": 2}, "args": ["x"]}

    assert merge(body, {"a": None, "b": {"d": 3}, "args": ["y"]}) == {
        "b": {"c": 2, "d": 3},
        "args": ["y"],
    }


def test_shipped_manifests_are_within_the_subset() -> None:
    """``lab up`` applies them."""
    kinds = [each["kind"] for each in build(asset("deploy", "overlays", "lab"))]

    assert kinds.count("Deployment") == 2
    assert "Namespace" in kinds
