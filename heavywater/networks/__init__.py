"""Networks as data: a graph of named operations, its execution in PyTorch, predefined networks, and files of other programs."""
