"""scikit-learn faces: `fit` and `predict` on arrays and data frames, with H2O's parameter names.

>>> import numpy as np
>>> from heavywater.sklearn import DeepLearningClassifier
>>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 25)
>>> y = np.array(["no", "yes", "yes", "no"] * 25)
>>> model = DeepLearningClassifier(hidden=(16,), epochs=2, seed=1, reproducible=True).fit(X, y)
>>> model.predict(X[:4]).shape
(4,)
"""

from heavywater.sklearn.autoencoder import DeepLearningAutoencoder
from heavywater.sklearn.supervised import DeepLearningClassifier, DeepLearningRegressor

__all__ = ["DeepLearningAutoencoder", "DeepLearningClassifier", "DeepLearningRegressor"]
