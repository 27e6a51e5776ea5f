"""Is any pinned package known to be vulnerable? Prints what was looked up and what was not.

Exits 1 for a vulnerability that is known, 0 else: where the database cannot be reached, it says
why and stands in nobody's way. Installs pip-audit, by the same pins, if it is not there.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
PINS = TOP / "constraints.txt"
SECONDS = 300


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """``python -m WORDS``, ended."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def skipped(why: str) -> int:
    """Say that nothing was found out, and why."""
    print(f"audit skipped: {why}")
    return 0


def last_line(text: str) -> str:
    """What a command said last."""
    return next(iter(text.strip().splitlines()[::-1]), "no word")


def report(dependencies: list[dict[str, Any]]) -> int:
    """Print what is known of each package; 1 when one is vulnerable."""
    unknown = {each["name"]: each["skip_reason"] for each in dependencies if "skip_reason" in each}
    known = [each for each in dependencies if "skip_reason" not in each]
    vulnerable = [(each, vulnerability) for each in known for vulnerability in each["vulns"]]
    for package, vulnerability in vulnerable:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version"
        name = f"{package['name']} {package['version']}"
        print(f"audit: {name}: {vulnerability['id']}, fixed in {fixed}")
    if not known:
        why = next(iter(unknown.values()), "nothing is pinned")
        return skipped(f"none of {len(unknown)} packages can be looked up here: {why}")
    print(
        f"audit: {len(known)} packages looked up, {len(vulnerable)} vulnerabilities known; "
        f"{len(unknown)} not looked up"
    )
    return 1 if vulnerable else 0


def main() -> int:
    """Look every pin up."""
    if importlib.util.find_spec("pip_audit") is None:
        made = run("pip", "install", "--quiet", "--constraint", str(PINS), "pip-audit")
        if made.returncode:
            return skipped(f"pip-audit cannot be installed: {last_line(made.stderr)}")
    words = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    try:
        done = run("pip_audit", "--requirement", str(PINS), *words)
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        said = last_line(done.stderr) if isinstance(error, ValueError | KeyError) else str(error)
        return skipped(f"the database cannot be reached: {said}")
    return report(dependencies)


if __name__ == "__main__":
    sys.exit(main())
