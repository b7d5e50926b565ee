"""Hyperparameters that remember which of them were read."""

from collections.abc import Iterator


class Hparams(dict):
    """A dictionary of hyperparameters; sections are dictionaries of the same kind.

    Reading a value is remembered under its dotted name, so that a test can train
    with a leaf and ask for keys that nothing ever read. ``in`` and ``len`` do not
    read; ``**section`` reads all of it.

    Parameters
    ----------
    values : dict
        As HyperPyYAML builds it.

    Example
    -------
    >>> hparams = Hparams({"seed": 1, "optim": {"lr": 0.1, "eps": 1e-8}})
    >>> hparams["optim"]["lr"]
    0.1
    >>> sorted(hparams.reads)
    ['optim', 'optim.lr']
    """

    def __init__(self, values: dict, *, name: str = "", reads: set[str] | None = None):
        super().__init__()
        self.name = name
        self.reads = set() if reads is None else reads
        for key, value in values.items():
            is_section = type(value) is dict
            self[key] = self._section(key, value) if is_section else value

    def _section(self, key: str, values: dict) -> "Hparams":
        """A section that writes down its reads beside those of the whole."""
        return Hparams(values, name=self._dotted(key), reads=self.reads)

    def _dotted(self, key: str) -> str:
        """Name of a key from the root of the file."""
        return f"{self.name}.{key}" if self.name else str(key)

    def __getitem__(self, key):
        """Value of a key, which counts as read from now on."""
        value = super().__getitem__(key)
        self.reads.add(self._dotted(key))
        return value

    def __iter__(self) -> Iterator[str]:
        """Keys. Defined so that ``**hparams`` does not pass by ``__getitem__``."""
        return super().__iter__()

    def get(self, key, default=None):
        """Value of a key, read, or ``default``."""
        return self[key] if key in self else default  # noqa: SIM401 this is get

    def items(self):
        """Pairs of all keys and values, all read."""
        return [(key, self[key]) for key in self]

    def values(self):
        """All values, all read."""
        return [self[key] for key in self]

    def plain(self) -> dict:
        """The same as ordinary dictionaries, without counting as read: for logs.

        Example
        -------
        >>> hparams = Hparams({"optim": {"lr": 0.1}})
        >>> hparams.plain(), hparams.reads
        ({'optim': {'lr': 0.1}}, set())
        """
        return {
            key: value.plain() if isinstance(value, Hparams) else value
            for key, value in super().items()
        }
