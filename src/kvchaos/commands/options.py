"""Options that several verbs have: the cluster and the namespace, named as the experiments do."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from kvchaos.cluster.config import LAB_CONTEXT, user_contexts
from kvchaos.errors import KVChaosError
from kvchaos.settings import Settings

DEFAULTS = Settings()


def complete_context(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For the shell: the contexts of the kubeconfig, and the lab."""
    try:
        known = {*user_contexts(), LAB_CONTEXT}
    except KVChaosError:
        known = {LAB_CONTEXT}
    return [CompletionItem(name) for name in sorted(known) if name.startswith(incomplete)]


context_option = click.option(
    "--context",
    envvar="KUBERNETES_CONTEXT",
    default=DEFAULTS.kubernetes_context,
    show_default=True,
    show_envvar=True,
    help="The cluster; in-cluster: the one that this pod is in.",
    shell_complete=complete_context,
)
namespace_option = click.option(
    "--namespace",
    "-n",
    envvar="KVCHAOS_NAMESPACE",
    default=DEFAULTS.namespace,
    show_default=True,
    show_envvar=True,
    help="Where the engines are.",
)
