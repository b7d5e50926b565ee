"""The one kind of error that is shown to users without a traceback."""


class InputError(ValueError):
    """Raised when something that the user gave cannot be used.

    The message names where the value stands (file, line or utterance), the value,
    what is allowed and what to do. ``xlsr_sb.run`` prints it on one line and keeps
    the traceback for the log.

    Example
    -------
    >>> raise InputError("train.csv, line 3: duration is -1.0; it must be positive")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: train.csv, line 3: duration is -1.0; it must be positive
    """
