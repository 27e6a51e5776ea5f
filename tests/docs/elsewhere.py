"""Commands of the documents that the test of their page does not type: who executes them.

The rule: each entry names a file of the repository and the very words in it that do so; and
something of it is tried here all the same.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Elsewhere(NamedTuple):
    """The file that executes a command, the words in it; and what is typed in its place here."""

    file: str
    words: str
    instead: str


RIGHTS = "tests/unit/test_deploy_rights.py"
DYNAMO = "tests/lab/test_dynamo_in_lab.py"
NOTHING_LEFT = "tests/e2e/test_nothing_left_real.py"
TOKEN = 'kubectl config set-credentials kvchaos-runner --token="%s"'
LAB_TOKEN = "$(kubectl config view --raw -o jsonpath='{.users[0].user.token}')"

ELSEWHERE = {
    "make demo": Elsewhere(
        "tests/lab/test_experiments_in_lab.py",
        "outcome = chaos_run(name, tmp_path, lab)",
        "make --dry-run demo",
    ),
    "pytest examples/router-tests -n 2": Elsewhere(
        "tests/lab/test_pytest_plugin.py",
        '"-n", "2", "examples/router-tests"',
        "pytest examples/router-tests --collect-only -q",
    ),
    "python examples/dynamo/register.py": Elsewhere(
        DYNAMO, 'example(lab, "register.py")', "python -m py_compile examples/dynamo/register.py"
    ),
    "kvchaos run dynamo-partition.json": Elsewhere(
        DYNAMO, "chaos_run(experiment, folder, lab)", "kvchaos validate dynamo-partition.json"
    ),
    "make setup": Elsewhere("Makefile", "test: setup", "make --dry-run setup"),
    "make test": Elsewhere(".ci/run", "make test", "make --dry-run test"),
    "kubectl apply -k deploy/overlays/real": Elsewhere(
        RIGHTS, '("overlays", "real")', "kubectl kustomize deploy/overlays/real"
    ),
    "kubectl apply -k deploy/reaper": Elsewhere(
        NOTHING_LEFT, '"reaper") as place', "kubectl kustomize deploy/reaper"
    ),
    TOKEN % "$(kubectl -n kvchaos create token kvchaos-runner --duration=8h)": Elsewhere(
        "tests/e2e/real_place.py", '"create", "token"', TOKEN % LAB_TOKEN
    ),
}
"""By the command as it is typed, without its comment."""


def without_comment(text: str) -> str:
    """A command without the remark behind it."""
    return re.sub(r"\s+# .*$", "", text)
