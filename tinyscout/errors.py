"""Errors that a user can cause: one line that says where, what came, what was needed, and the remedy."""


class InputError(ValueError):
    """Bad input. `str(error)` is one line; the command line prints it and exits with code 2."""


class MissingExtra(InputError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(f"{purpose} needs the package {package}; run: pip install 'tinyscout[{extra}]'")
