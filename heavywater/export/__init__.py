"""Models in other formats: MOJO (also read), Java source, ONNX, and a bundle with a scorer of one file."""
