"""Socket options that find a dead API server: a silent link is torn after about 25 seconds.

Watches and port-forwards may be quiet for long; only the kernel's probes tell quiet from dead.
"""

from __future__ import annotations

import socket

KEEPALIVE: list[tuple[int, int, int]] = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]
"""``(level, option, value)``: first probe after 10 s of silence, then each 5 s, three in all."""
