"""Every Rapids primitive; importing this package declares them all."""

from heavywater.rapids.primitives import (  # noqa: F401
    apply,
    arrange,
    combine,
    factor,
    group,
    impute,
    linear,
    logic,
    math,
    mutate,
    operators,
    quantile,
    rand,
    reduce,
    select,
    string,
    stringdist,
    tabulate,
    time,
    words,
)
