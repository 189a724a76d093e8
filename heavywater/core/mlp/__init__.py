"""The multi-layer perceptron: layout, initial weights, forward pass, exact and fast training, inspection."""
