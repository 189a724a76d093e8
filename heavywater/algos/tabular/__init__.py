"""What models that predict one column of a table have in common, whatever learns them."""
