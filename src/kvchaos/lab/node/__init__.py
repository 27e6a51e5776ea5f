"""The lab's one node: runs pods as process groups in network namespaces of their own."""
