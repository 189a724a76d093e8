"""Metrics by their definitions, one row at a time."""

from __future__ import annotations

import math


def mean(values, weights):
    return sum(w * v for v, w in zip(values, weights)) / sum(weights)


def auc(actual, score, weights):
    """Share of pairs (positive, negative) in the right order; ties count one half."""
    right = pairs = 0.0
    for a, s, v in zip(actual, score, weights):
        for b, t, w in zip(actual, score, weights):
            if a == 1 and b == 0:
                pairs += v * w
                right += v * w * (1.0 if s > t else 0.5 if s == t else 0.0)
    return right / pairs


def aucpr(actual, score, weights, steps=2000):
    """Area under precision over recall, false positives growing in proportion to true ones, by the midpoint rule."""
    positives = sum(w for a, w in zip(actual, weights) if a == 1)
    tp0 = fp0 = area = 0.0
    for threshold in sorted(set(score), reverse=True):
        tp = sum(w for a, s, w in zip(actual, score, weights) if a == 1 and s >= threshold)
        fp = sum(w for a, s, w in zip(actual, score, weights) if a == 0 and s >= threshold)
        if tp != tp0:
            for k in range(steps):
                part = (k + 0.5) / steps
                t, f = tp0 + part * (tp - tp0), fp0 + part * (fp - fp0)
                area += t / (t + f) * (tp - tp0) / steps / positives
        tp0, fp0 = tp, fp
    return area


def confusion(actual, predicted, weights, classes):
    counts = [[0.0] * classes for _ in range(classes)]
    for a, p, w in zip(actual, predicted, weights):
        counts[a][p] += w
    return counts


def f1(tp, fp, fn):
    return 2 * tp / (2 * tp + fp + fn)


def logloss(p_actual, weights):
    return mean([min(-math.log(p), -math.log(1e-15)) if p > 0 else -math.log(1e-15) for p in p_actual], weights)


def hit_ratio(actual, probabilities, weights, k):
    """Weight of rows whose actual class is among the k most probable, of all."""
    hits = 0.0
    for a, row, w in zip(actual, probabilities, weights):
        best = sorted(range(len(row)), key=lambda c: (-row[c], c))[:k]
        hits += w * (a in best)
    return hits / sum(weights)


def r2(actual, mse, weights):
    center = mean(actual, weights)
    return 1 - mse / mean([(a - center) ** 2 for a in actual], weights)


def histogram(score, positive, weights, bins):
    """The histogram of scores by its definition, on lists of ``[center, error, tp, fp]``."""
    import struct

    def single(x):
        return struct.unpack("f", struct.pack("f", x))[0]

    def spread(a, na, b, nb):
        d = single(single(a) - single(b))
        return d * d * na * nb / (na + nb)

    def cost(a, b):
        return a[1] + b[1] + spread(b[0], b[2] + b[3], a[0], a[2] + a[3])

    rows = []
    for p, y, w in zip(score, positive, weights):
        new = [p, 0.0, w if y else 0.0, 0.0 if y else w]
        same = [r for r in rows if r[0] == p]
        if same:
            same[0][2] += new[2]
            same[0][3] += new[3]
            continue
        at = sum(r[0] < p for r in rows)
        if len(rows) == bins and 0 < at < bins:
            cheapest = min(cost(a, b) for a, b in zip(rows, rows[1:]))
            left, right = rows[at - 1], rows[at]
            d0 = left[1] + spread(p, w, left[0], left[2] + left[3])
            d1 = right[1] + spread(right[0], right[2] + right[3], p, w)
            if min(d0, d1) < cheapest:
                into, error = (left, d0) if d0 <= d1 else (right, d1)
                k = into[2] + into[3]
                into[0] = (into[0] * k + p * w) / (k + w)
                into[1] = error
                into[2] += new[2]
                into[3] += new[3]
                continue
        rows.insert(at, new)
        if len(rows) > bins:
            costs = [cost(a, b) for a, b in zip(rows, rows[1:])]
            i = costs.index(min(costs))
            a, b = rows[i], rows[i + 1]
            ka, kb = a[2] + a[3], b[2] + b[3]
            rows[i : i + 2] = [[(a[0] * ka + b[0] * kb) / (ka + kb), costs[i], a[2] + b[2], a[3] + b[3]]]
    return [r[0] for r in rows], [r[2] for r in rows], [r[3] for r in rows]


def deviance(distribution, y, f, *, power=1.5, alpha=0.5, delta=1.0):
    """Deviance of one row, from the textbook."""

    def ylog(a, b):
        return 0.0 if a == 0 else a * math.log(a / b)

    match distribution:
        case "gaussian":
            return (y - f) ** 2
        case "poisson":
            return 2 * (ylog(y, f) - (y - f))
        case "gamma":
            return 2 * (-math.log(y / f) + (y - f) / f)
        case "tweedie":
            p = power
            return 2 * (y ** (2 - p) / ((1 - p) * (2 - p)) - y * f ** (1 - p) / (1 - p) + f ** (2 - p) / (2 - p))
        case "laplace":
            return abs(y - f)
        case "quantile":
            return alpha * (y - f) if y > f else (1 - alpha) * (f - y)
        case "huber":
            e = abs(y - f)
            return e * e if e <= delta else (2 * e - delta) * delta
    raise ValueError(distribution)
