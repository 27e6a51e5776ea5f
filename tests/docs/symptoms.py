"""How each symptom of the page on troubleshooting is produced: by its heading, what is typed.

It is typed in a folder with the shipped experiments and those of ``altered``, with a lab up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kvchaos.assets import asset

Json = dict[str, Any]

LEFT = "left-20261122-080000-aaaaaa"
POD_KILL = "kvchaos preflight experiments/pod-kill.json"
CONFIG = "kubectl config view --raw"
DAEMON = "kubectl -n chaos-mesh"

OTHER = """export KVCHAOS_LAB_DIR=$KVCHAOS_LAB_DIR-other
    trap "kvchaos lab down" EXIT"""
"""A lab of its own, for a router that does not recover: whoever comes after finds the first."""

SYMPTOMS = {
    "The lab is not up": f"KVCHAOS_LAB_DIR=$PWD/none {POD_KILL}",
    "The lab does not start": """unshare --user --map-root-user sh -c '
        echo 0 > /proc/sys/user/max_net_namespaces; KVCHAOS_LAB_DIR=$PWD/none kvchaos lab up'""",
    "The context is not found": f"KUBERNETES_CONTEXT=nope {POD_KILL}",
    "The cluster does not answer": f"""
        {CONFIG} | sed 's#server: .*#server: https://127.0.0.1:1#; s/kvchaos-lab/away/g' > away
        KUBECONFIG=away KUBERNETES_CONTEXT=away {POD_KILL}""",
    "The credentials are not accepted": f"""
        {CONFIG} | sed 's/token: .*/token: old/; s/kvchaos-lab/old/g' > old
        KUBECONFIG=old KUBERNETES_CONTEXT=old {POD_KILL}""",
    "An option names what the experiment does not have": (
        "kvchaos run experiments/pod-kill.json --var fault_secs=3"
    ),
    "The file is not JSON": """head -c 900 experiments/pod-kill.json > cut.json
        kvchaos validate cut.json""",
    "A name is not filled in": """
        sed 's/${namespace}/${place}/' experiments/pod-kill.json > name.json
        kvchaos validate name.json""",
    "The control is missing": """kvchaos run no-control.json
        chaos --no-version-check run no-control.json""",
    "`held`": f"""kvchaos hold --reason "release day" >/dev/null
        {POD_KILL}
        kvchaos release >/dev/null""",
    "`no_target`": f"KVCHAOS_ENGINE_SELECTOR=app=none {POD_KILL}",
    "`too_large_share`": (
        "KVCHAOS_MAX_PERCENT=10 kvchaos preflight experiments/network-partition.json"
    ),
    "`wrong_environment`": f"KVCHAOS_ENVIRONMENT=staging {POD_KILL}",
    "`not_opted_in`": f"KVCHAOS_REQUIRE_OPT_IN=true {POD_KILL}",
    "`leftovers`": f"""kubectl create -f left.json
        {POD_KILL}
        kubectl delete -f left.json""",
    "`no_daemon_on_node`": f"""
        {DAEMON} get pod chaos-daemon-kvchaos-lab -o json > daemon.json
        {DAEMON} delete pod chaos-daemon-kvchaos-lab
        kvchaos preflight experiments/network-partition.json
        {DAEMON} create --validate=false -f daemon.json
        {DAEMON} patch pod chaos-daemon-kvchaos-lab --subresource=status --type=merge \\
          --patch "$(python -c 'import json; print(json.dumps(
            {{"status": json.load(open("daemon.json"))["status"]}}))')" """,
    "`other_block_size`": f"KVCHAOS_BLOCK_SIZE=24 {POD_KILL}",
    "Nobody knows if the system was well": (
        "KVCHAOS_ROUTER_SELECTOR=app=none kvchaos run quick.json"
    ),
    "The engines' events cannot be followed": (
        "KVCHAOS_EVENT_PORT=5999 KVCHAOS_REPLAY_PORT=6999 kvchaos run unready.json"
    ),
    "The fault did not happen": "kvchaos run delay.json",
    "The run was stopped": "kvchaos run stopped.json",
    "Something else restarted": "kvchaos run restarted.json",
    "Something is left": """kubectl create -f left.json
        kvchaos reap --all --dry-run
        kubectl delete -f left.json""",
    "The system was not well before the fault": f"""{OTHER}
        kvchaos lab up; kvchaos run quick.json
        kvchaos lab up --router-recovery none; kvchaos run quick.json""",
    "The index did not become right in time": f"""{OTHER}
        kvchaos lab up --router-recovery none; kvchaos run forgotten.json""",
}


def altered() -> dict[str, Json]:
    """Experiments that bring a symptom about, and quickly, by the name of their file."""
    return {
        "no-control.json": {**shipped("pod-kill"), "controls": []},
        "quick.json": quick(shipped("pod-kill")),
        "unready.json": unready(shipped("pod-kill")),
        "delay.json": delayed(shipped("network-partition")),
        "stopped.json": after_the_cut(
            {"type": "process", "path": "sh", "arguments": ["-c", "kill -TERM $PPID"]}
        ),
        "restarted.json": after_the_cut(
            {
                "type": "python",
                "module": "chaosk8s.pod.actions",
                "func": "delete_pods",
                "arguments": {"label_selector": "${router_selector}", "ns": "${namespace}"},
            }
        ),
        "forgotten.json": quick(shipped("engine-restart")),
        "left.json": {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": "PodChaos",
            "metadata": {
                "name": LEFT,
                "namespace": "kvchaos",
                "labels": {"kvchaos.io/run": LEFT.removeprefix("left-")},
            },
            "spec": {
                "action": "pod-kill",
                "mode": "one",
                "selector": {"namespaces": ["kvchaos"], "labelSelectors": {"no": "pod"}},
            },
        },
    }


def shipped(name: str) -> Json:
    """An experiment as it is shipped."""
    found: Json = json.loads(asset("experiments", f"{name}.json").read_text(encoding="utf-8"))
    return found


def quick(experiment: Json) -> Json:
    """It, with two seconds of patience for what a probe waits for."""
    probes = [each for each in experiment["method"] if each["type"] == "probe"]
    for probe in [*experiment["steady-state-hypothesis"]["probes"], *probes]:
        arguments = probe["provider"]["arguments"]
        arguments |= {key: 2 for key in ("within", "settle") if key in arguments}
    return experiment


def unready(experiment: Json) -> Json:
    """It, with a second of patience for the engines' events."""
    experiment["configuration"]["ready_timeout"] = 1
    return experiment


def delayed(experiment: Json) -> Json:
    """It, with a fault that the lab cannot do."""
    arguments = injection(experiment)[1]["provider"]["arguments"]
    arguments |= {"template": "network-delay", "timeout": 1}
    arguments["values"] |= {"latency": "100ms", "jitter": "0ms", "correlation": "0"}
    return experiment


def after_the_cut(provider: Json) -> Json:
    """The partition, with an action more while the link is cut."""
    experiment = quick(shipped("network-partition"))
    experiment["configuration"] |= {"fault_seconds": 1, "recovery_budget": 1}
    at, _ = injection(experiment)
    experiment["method"].insert(at + 1, {"type": "action", "name": "more", "provider": provider})
    return experiment


def injection(experiment: Json) -> tuple[int, Json]:
    """Where in the method the fault is injected, and the action."""
    method = experiment["method"]
    return next(
        (at, each) for at, each in enumerate(method) if each["provider"]["func"] == "inject_fault"
    )


def write(folder: Path) -> None:
    """Put them into a folder."""
    for name, experiment in altered().items():
        (folder / name).write_text(json.dumps(experiment), encoding="utf-8")
