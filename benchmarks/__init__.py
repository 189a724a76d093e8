"""The benchmark suite: ``benchmarks/run`` measures heavywater and its peers in turns, in one go, and checks quality."""
