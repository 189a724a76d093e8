"""What H2O's Java runtime makes of our MOJOs and our Java sources."""

from __future__ import annotations

import pytest

from heavywater.export.mojo import write_mojo
from heavywater.export.pojo import class_name, write_pojo
from tests.export.java import compile_java, read_scores, score_java, write_rows
from tests.export.test_mojo import HERE, differences
from tests.export.zoo import OTHERS, ZOO, awkward_frame, model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:column .*(not seen|missing):UserWarning"),
]


@pytest.fixture(scope="module")
def by_mojo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mojo")
    compile_java([HERE / "Score.java"], folder)
    jobs = []
    for name in ZOO:
        m = model(name)
        columns = list(m.design.names if m.encoding is None else m.encoding.columns)
        write_rows(awkward_frame(), columns, folder / f"{name}.in")
        jobs.append((str(write_mojo(m, folder / f"{name}.zip")), folder / f"{name}.in", folder / f"{name}.out"))
    score_java(jobs, folder)
    return folder


@pytest.mark.parametrize("name", ZOO)
def test_mojo_scores_the_same_in_java(by_mojo, name):
    ours = model(name).predict(awkward_frame())
    worst, labels = differences(*read_scores(by_mojo / f"{name}.out", ours))
    print(f"{name:40} {worst:.1e} {labels}")
    assert labels == 0
    assert worst < (3e-6 if "input_dropout" in name and "h2o" not in name else 1e-11)


@pytest.fixture(scope="module")
def by_pojo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pojo")
    names = [*ZOO, *OTHERS]
    sources = [write_pojo(model(name), folder) for name in names]
    compile_java([HERE / "Score.java", *sources], folder)
    jobs = []
    for name in names:
        m = model(name)
        write_rows(
            awkward_frame(), list(m.design.names if m.encoding is None else m.encoding.columns), folder / f"{name}.in"
        )
        jobs.append((class_name(name), folder / f"{name}.in", folder / f"{name}.out"))
    score_java(jobs, folder)
    return folder


@pytest.mark.parametrize("name", [*ZOO, *OTHERS])
def test_java_source_scores_the_same(by_pojo, name):
    ours = model(name).predict(awkward_frame())
    worst, labels = differences(*read_scores(by_pojo / f"{name}.out", ours))
    print(f"{name:40} {worst:.1e} {labels}")
    assert labels == 0
    assert worst < 1e-11
