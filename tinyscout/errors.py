"""Errors that a user can cause: one line that says where, what came, what was needed, and the remedy."""


class InputError(ValueError):
    """Bad input. `str(error)` is one line; the command line prints it and exits with code 2."""


class ArgumentError(InputError):
    """An argument of a function is wrong; the command line names its option of that name instead.

    where: the function or room; said: what came and what is needed, behind the name: "is 0; needs 1 or more".
    """

    def __init__(self, where: str, name: str, said: str):
        super().__init__(f"{where}: {name} {said}")
        self.name, self.said = name, said


class MissingExtra(InputError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(f"{purpose} needs the package {package}; run: pip install 'tinyscout[{extra}]'")
