"""Which cluster, and how to reach it: from a named context to an ``Access``.

The one rule guarded here: the cluster is named, never guessed. ``kvchaos-lab`` is the embedded
lab and reads the lab's own kubeconfig; ``""`` and ``in-cluster`` mean the pod this runs in; any
other name is a context of the user's kubeconfig. Nothing falls back to anything else.

The kubernetes package has 700 modules: it is imported when a cluster is meant, not for its name.
"""

from __future__ import annotations

import os
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection

from kvchaos.cluster.keepalive import KEEPALIVE
from kvchaos.cluster.labdir import lab_dir
from kvchaos.errors import ClusterUnreachable, ContextNotFound
from kvchaos.plain_yaml import document
from kvchaos.untrusted import MIB, Unreadable, file_bytes

if TYPE_CHECKING:
    from kubernetes.client import Configuration

LAB_CONTEXT = "kvchaos-lab"
IN_CLUSTER = ("", "in-cluster")
LAB_HINT = "kvchaos lab up"
LARGEST = 16 * MIB  # bytes of a kubeconfig
ODD = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What the client library raises for a kubeconfig of a shape that it did not foresee."""
POOL_SIZE = 32  # idle connections kept; watches and threads beyond it open their own


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """Everything a client needs to speak with one API server; safe to share between threads."""

    context: str
    server: str
    configuration: Configuration
    pool: urllib3.PoolManager
    hint: str
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self) -> dict[str, str]:
        """The headers that authenticate a request; may refresh a token that is about to expire."""
        from kubernetes.config import ConfigException  # noqa: PLC0415 - slow, see above

        try:
            with self._lock:
                settings: dict[str, Any] = dict(self.configuration.auth_settings())
        except (ConfigException, OSError) as error:
            raise ClusterUnreachable(
                f"no credentials for {self.server}", saw=str(error), look=self.hint
            ) from error
        return {str(each["key"]): str(each["value"]) for each in settings.values()}

    def secrets(self) -> list[str]:
        """What of it must never be shown: token, password and the client's key."""
        settings = self.configuration
        tokens = [str(value).partition(" ")[2] or str(value) for value in settings.api_key.values()]
        try:
            key = Path(settings.key_file).read_text(encoding="ascii") if settings.key_file else ""
        except (OSError, UnicodeDecodeError):
            key = ""  # then it cannot be shown either
        return [each for each in (*tokens, settings.password, key) if each]

    def ssl_context(self) -> ssl.SSLContext | None:
        """A fresh TLS context for connections outside the pool; None for plain HTTP."""
        if not self.server.startswith("https"):
            return None
        settings = self.configuration
        context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
        if not settings.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        return context


def use_for_others(context: str, kubeconfig: Path | None) -> None:
    """Make Chaos Toolkit's own Kubernetes probes, which read the environment, mean ``context`` too.

    The kubernetes package reads KUBECONFIG once, when it is imported, hence the second place. In a
    pod chaostoolkit-kubernetes uses the service account only when CHAOSTOOLKIT_IN_POD says so.
    """
    from kubernetes.config import kube_config  # noqa: PLC0415 - slow, see above

    os.environ["KUBERNETES_CONTEXT"] = context
    if context in IN_CLUSTER:
        os.environ["CHAOSTOOLKIT_IN_POD"] = "true"
    if kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(kubeconfig)
        kube_config.KUBE_CONFIG_DEFAULT_LOCATION = str(kubeconfig)


def load(context: str, *, kubeconfig: Path | None = None) -> Access:
    """The way to the cluster that ``context`` names; nothing is sent yet.

    Raises ContextNotFound when no kubeconfig has the context, ClusterUnreachable when it is the
    lab's and the lab has left no kubeconfig.
    """
    if context in IN_CLUSTER and kubeconfig is None:
        return _in_cluster()
    if context == LAB_CONTEXT and kubeconfig is None:
        return _lab()
    paths = [kubeconfig] if kubeconfig else _user_paths()
    return _from_files(context, paths, hint=f"kubectl --context {context} version")


def _lab() -> Access:
    path = lab_dir() / "kubeconfig"
    if not path.is_file():
        raise ClusterUnreachable(
            "the embedded lab is not up", wanted=f"its kubeconfig {path}", look=LAB_HINT
        )
    return _from_files(LAB_CONTEXT, [path], hint=LAB_HINT)


def _in_cluster() -> Access:
    """By service account; in a pod of the lab, which mounts none, by the ``KUBECONFIG`` it gets."""
    from kubernetes.client import Configuration  # noqa: PLC0415 - slow, see above
    from kubernetes.config import ConfigException, load_incluster_config  # noqa: PLC0415 - slow, see above
    from kubernetes.config.incluster_config import (  # noqa: PLC0415 - slow, see above
        SERVICE_HOST_ENV_NAME,
        SERVICE_TOKEN_FILENAME,
    )

    inside = SERVICE_HOST_ENV_NAME in os.environ
    if inside and not Path(SERVICE_TOKEN_FILENAME).is_file() and os.environ.get("KUBECONFIG"):
        return _from_files("", _user_paths(), hint="the kubeconfig in KUBECONFIG")
    settings = Configuration()
    try:
        load_incluster_config(client_configuration=settings)
    except ConfigException as error:
        raise ContextNotFound(
            "not inside a pod", wanted="a service account", saw=str(error), look="--context"
        ) from error
    return _access("in-cluster", settings, hint="the pod's service account")


def _user_paths() -> list[Path]:
    told = os.environ.get("KUBECONFIG", "").split(os.pathsep)
    return [Path(path).expanduser() for path in told if path] or [Path.home() / ".kube" / "config"]


def _from_files(context: str, paths: list[Path], *, hint: str) -> Access:
    known = [name for path in paths for name in contexts(path)]
    if context and context not in known:
        raise ContextNotFound(
            f"no context {context}",
            wanted=f"one of {', '.join(sorted({*known, LAB_CONTEXT}))}",
            look=os.pathsep.join(map(str, paths)),
        )
    return _access(context, _named(context, paths), hint=hint)


def _named(context: str, paths: list[Path]) -> Configuration:
    """How the client library reaches that context of these files; ContextNotFound if it cannot."""
    from kubernetes.client import Configuration  # noqa: PLC0415 - slow, see above
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415 - slow, see above

    settings = Configuration()
    try:
        load_kube_config(
            config_file=os.pathsep.join(map(str, paths)),
            context=context or None,
            client_configuration=settings,
        )
    except (ConfigException, OSError, *ODD) as error:
        raise ContextNotFound(
            f"context {context or '(current)'} is not usable",
            saw=str(error) or type(error).__name__,
            look=os.pathsep.join(map(str, paths)),
        ) from error
    return settings


def user_contexts() -> list[str]:
    """The names of the contexts in the user's kubeconfig, of all its files, sorted."""
    return sorted({name for path in _user_paths() for name in contexts(path)})


def contexts(path: Path) -> list[str]:
    """The names of the contexts in a kubeconfig file; none when there is no such file."""
    if not path.is_file():
        return []
    try:
        content = document(file_bytes(path, LARGEST), references=True)
    except (OSError, Unreadable) as error:
        raise ContextNotFound("no readable kubeconfig", saw=str(error), look=str(path)) from error
    entries = content.get("contexts") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        return []
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    return [name for name in names if isinstance(name, str)]


def _access(context: str, settings: Configuration, *, hint: str) -> Access:
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 - slow, see above

    settings.connection_pool_maxsize = POOL_SIZE
    pool = RESTClientObject(settings).pool_manager
    pool.connection_pool_kw["socket_options"] = [
        *HTTPConnection.default_socket_options,
        *KEEPALIVE,
    ]
    return Access(context, settings.host, settings, pool, hint)
