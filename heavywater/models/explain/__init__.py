"""What a model makes of its inputs: permutation importance, partial dependence, Shapley values."""
