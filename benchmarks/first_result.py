"""From nothing to the predictions of a small model, with heavywater or H2O: ``first_result.py ENGINE FILE``.

Prints the predictions, then a line that says so, then shuts down.
"""

from __future__ import annotations

import sys

if sys.argv[1] == "h2o":
    import h2o
    from h2o.estimators import H2ODeepLearningEstimator

    h2o.init(port=54481, name="heavywater-peer-first", bind_to_localhost=True, strict_version_check=False)
else:
    import heavywater as h2o
    from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

    h2o.init()
iris = h2o.import_file(sys.argv[2])
model = H2ODeepLearningEstimator(epochs=1, seed=1)
model.train(y=iris.names[-1], training_frame=iris)
print(model.predict(iris))
print("the predictions are there", flush=True)
if sys.argv[1] == "h2o":
    h2o.cluster().shutdown()
