"""What clients read: pure functions from objects of the engine to dictionaries of H2O's version 3 schemas."""
