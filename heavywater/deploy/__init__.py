"""A trained model as a service or a command: `heavywater deploy` and `heavywater score`.

Model files are scored with numpy alone, so that a service starts at once and its image stays small.
"""
