"""``kvchaos router``: the reference router as a program."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import Path

import click

from kvchaos.clock import SystemClock
from kvchaos.sim.router.discovery import Discovery
from kvchaos.sim.router.engines import Ports
from kvchaos.sim.router.http import Router
from kvchaos.sim.router.receiver import Receiver
from kvchaos.sim.serve import serve

logger = logging.getLogger(__name__)

SELECTOR = "model.aibrix.ai/kv-events-enabled=true"
NAMESPACE = "kvchaos"
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_namespace() -> str:
    """The namespace of the pod this runs in, else the default one."""
    return _OWN_NAMESPACE.read_text().strip() if _OWN_NAMESPACE.is_file() else NAMESPACE


def _die_with(death: threading.ExceptHookArgs) -> None:
    """End the whole router when a thread dies: a stale index that still answers is worse."""
    name = death.thread.name if death.thread else "?"
    logger.critical("thread %s died", name, exc_info=death.exc_value)
    os._exit(1)


@click.command("router")
@click.option(
    "--namespace",
    default=own_namespace,
    show_default="its own",
    envvar="KVCHAOS_NAMESPACE",
    help="Where the engines are.",
)
@click.option("--selector", default=SELECTOR, show_default=True, help="Labels of engine pods.")
@click.option("--host", default=None, help="Address to serve HTTP at, all unless given.")
@click.option("--port", default=8080, show_default=True, help="HTTP port.")
@click.option(
    "--recovery",
    type=click.Choice(["replay", "none"]),
    default="replay",
    show_default=True,
    help="none: neither replays, not even at the start, nor notices restarts.",
)
@click.option("--event-port", default=5557, show_default=True, help="Of pods that declare none.")
@click.option("--replay-port", default=5558, show_default=True, help="Of pods that declare none.")
@click.option("--engine-port", default=8000, show_default=True, help="HTTP port of the engines.")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds for an engine's answer.")
def main(
    *,
    namespace: str,
    selector: str,
    host: str | None,
    port: int,
    recovery: str,
    event_port: int,
    replay_port: int,
    engine_port: int,
    timeout: float,
) -> None:
    """A reference router: an index of the engines' prefix caches, kept right by replays."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    threading.excepthook = _die_with
    clock = SystemClock()
    receiver = Receiver(recover=recovery == "replay", clock=clock)
    ports = Ports(http=engine_port, events=event_port, replay=replay_port)
    discovery = Discovery(receiver, namespace=namespace, selector=selector, ports=ports)
    router = Router(
        receiver,
        recovery=recovery,
        is_ready=lambda: discovery.is_ready,
        timeout=timeout,
        clock=clock,
    )
    logger.info("router on port %d: %s in %s, recovery %s", port, selector, namespace, recovery)
    receiver.start()
    discovery.start()
    try:
        asyncio.run(serve(router.application(), port=port, host=host))
    finally:
        discovery.stop()
        receiver.stop()
        logger.info("router stopped")


if __name__ == "__main__":
    main()
