"""What the index should hold (oracle), what it holds (routers), and how far they are apart."""
