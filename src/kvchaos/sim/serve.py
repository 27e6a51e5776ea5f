"""Runs one HTTP application until SIGTERM or SIGINT, then stops within a bound."""

from __future__ import annotations

import asyncio
import signal

from aiohttp import web

from kvchaos.errors import UsageError

GRACE = 1.0  # seconds for requests under way, as short as vLLM's own drain


async def serve(app: web.Application, *, port: int, host: str | None = None) -> None:
    """Serve ``app`` on ``port`` (all addresses unless ``host``); returns after a signal to stop.

    Raises UsageError when the port cannot be had.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await _listen(runner, port=port, host=host)
        await stop.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, *, port: int, host: str | None) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        raise UsageError(
            "HTTP port is not usable", wanted=f"a free port {port}", saw=str(error)
        ) from error
