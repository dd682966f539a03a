"""The one error a person is meant to read."""


class OrateError(Exception):
    """Something the user can mend, said in one sentence: what was wrong, with which file, what to do.

    The command line prints the sentence and exits with status 1; a stack trace only with ``--debug``.
    """
