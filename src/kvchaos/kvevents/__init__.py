"""Engines' event streams: the wire format, sequence numbers, sockets."""
