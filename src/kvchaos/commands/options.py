"""Options that several verbs have: the cluster and the namespace, named as the experiments do."""

from __future__ import annotations

import click

from kvchaos.settings import Settings

DEFAULTS = Settings()

context_option = click.option(
    "--context",
    envvar="KUBERNETES_CONTEXT",
    default=DEFAULTS.kubernetes_context,
    show_default=True,
    show_envvar=True,
    help="The cluster; in-cluster: the one that this pod is in.",
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
