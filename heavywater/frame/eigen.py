"""Eigenvectors of a small symmetric matrix by Householder reduction and QL iterations with implicit shifts.

A library's routine gives the same vectors up to their signs and, for nearly equal eigenvalues, up to rotations; the
Eigen encoding of categories takes the signs too, so the classic procedure (Martin, Reinsch and Wilkinson 1968; Bowdler,
Martin, Reinsch and Wilkinson 1968) is followed step by step.
"""

from __future__ import annotations

import math

import numpy as np

from heavywater.core.jit import njit


def symmetric_eigenvectors(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues in increasing order and eigenvectors in columns of a symmetric float64 matrix ``(n, n)``."""
    v = np.array(a, np.float64)
    d, e = _tridiagonal(v)
    _ql(v, d, e)
    return d, v


@njit(cache=True, nogil=True, error_model="numpy")
def _tridiagonal(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reduce `v` in place to tridiagonal form; `v` becomes the transformation. Returns diagonal and subdiagonal."""
    n = len(v)
    d, e = v[n - 1].copy(), np.zeros(n)
    for i in range(n - 1, 0, -1):
        scale = h = 0.0
        for k in range(i):
            scale += abs(d[k])
        if scale == 0.0:
            e[i] = d[i - 1]
            d[:i] = v[i - 1, :i]
            v[i, :i] = 0.0
            v[:i, i] = 0.0
        else:
            for k in range(i):
                d[k] /= scale
                h += d[k] * d[k]
            f = d[i - 1]
            g = -math.sqrt(h) if f > 0 else math.sqrt(h)
            e[i] = scale * g
            h -= f * g
            d[i - 1] = f - g
            e[:i] = 0.0
            for j in range(i):
                f = d[j]
                v[j, i] = f
                g = e[j] + v[j, j] * f
                for k in range(j + 1, i):
                    g += v[k, j] * d[k]
                    e[k] += v[k, j] * f
                e[j] = g
            f = 0.0
            for j in range(i):
                e[j] /= h
                f += e[j] * d[j]
            hh = f / (h + h)
            e[:i] -= hh * d[:i]
            for j in range(i):
                f, g = d[j], e[j]
                for k in range(j, i):
                    v[k, j] -= f * e[k] + g * d[k]
                d[j] = v[i - 1, j]
                v[i, j] = 0.0
        d[i] = h
    _accumulate(v, d)
    d[:] = v[n - 1]
    v[n - 1] = 0.0
    v[n - 1, n - 1] = 1.0
    e[0] = 0.0
    return d, e


@njit(cache=True, nogil=True, error_model="numpy")
def _accumulate(v: np.ndarray, d: np.ndarray) -> None:
    """Multiply the reflections together."""
    n = len(v)
    for i in range(n - 1):
        v[n - 1, i] = v[i, i]
        v[i, i] = 1.0
        h = d[i + 1]
        if h != 0.0:
            d[: i + 1] = v[: i + 1, i + 1] / h
            for j in range(i + 1):
                g = 0.0
                for k in range(i + 1):
                    g += v[k, i + 1] * v[k, j]
                v[: i + 1, j] -= g * d[: i + 1]
        v[: i + 1, i + 1] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _ql(v: np.ndarray, d: np.ndarray, e: np.ndarray) -> None:
    """Diagonalise in place; sorts by increasing eigenvalue."""
    n = len(v)
    e[:-1] = e[1:]
    e[n - 1] = 0.0
    shift, largest, eps = 0.0, 0.0, 2.0**-52
    for l in range(n):
        largest = max(largest, abs(d[l]) + abs(e[l]))
        m = l
        while m < n - 1 and abs(e[m]) > eps * largest:
            m += 1
        if m > l:
            while True:
                g = d[l]
                p = (d[l + 1] - g) / (2.0 * e[l])
                r = -_length(p, 1.0) if p < 0 else _length(p, 1.0)
                d[l] = e[l] / (p + r)
                d[l + 1] = e[l] * (p + r)
                after = d[l + 1]
                h = g - d[l]
                d[l + 2 :] -= h
                shift += h
                _sweep(v, d, e, l, m, after)
                if abs(e[l]) <= eps * largest:
                    break
        d[l] += shift
        e[l] = 0.0
    for i in range(n - 1):
        k = i + int(np.argmin(d[i:]))
        if d[k] < d[i]:
            d[i], d[k] = d[k], d[i]
            column = v[:, i].copy()
            v[:, i] = v[:, k]
            v[:, k] = column


@njit(cache=True, nogil=True, error_model="numpy")
def _sweep(v: np.ndarray, d: np.ndarray, e: np.ndarray, l: int, m: int, after: float) -> None:
    """One implicit QL sweep from m down to l."""
    p, c, c2, c3, s, s2 = d[m], 1.0, 1.0, 1.0, 0.0, 0.0
    next_e = e[l + 1]
    for i in range(m - 1, l - 1, -1):
        c3, c2, s2 = c2, c, s
        g, h = c * e[i], c * p
        r = _length(p, e[i])
        e[i + 1] = s * r
        s, c = e[i] / r, p / r
        p = c * d[i] - s * g
        d[i + 1] = h + s * (c * g + s * d[i])
        upper = v[:, i + 1].copy()
        v[:, i + 1] = s * v[:, i] + c * upper
        v[:, i] = c * v[:, i] - s * upper
    p = -s * s2 * c3 * next_e * e[l] / after
    e[l] = s * p
    d[l] = c * p


@njit(cache=True, nogil=True, error_model="numpy")
def _length(a: float, b: float) -> float:
    """``sqrt(a^2 + b^2)`` by one division and one root: not the last bit of `math.hypot`, and that bit matters here."""
    if abs(a) > abs(b):
        r = b / a
        return abs(a) * math.sqrt(1.0 + r * r)
    if b != 0:
        r = a / b
        return abs(b) * math.sqrt(1.0 + r * r)
    return 0.0
