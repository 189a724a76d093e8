"""Numeric core: numpy in, numpy out, numba inside. Imports numpy, numba and the standard library only."""
