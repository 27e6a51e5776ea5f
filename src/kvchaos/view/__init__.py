"""A run shown while it goes on: on a terminal a panel that changes, elsewhere plain lines."""
