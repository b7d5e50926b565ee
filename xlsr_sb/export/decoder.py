"""A run's tuned decoder in another folder, with the files that it needs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from xlsr_sb.decoders.settings import FILE, GREEDY, DecoderSettings


def copy_decoder(source: Path, target: Path) -> None:
    """Copy ``decoder.json``, the language model and the lexicon; nothing if greedy.

    Parameters
    ----------
    source : Path
        Of a run, where ``xlsr-sb tune-lm`` has left its settings.
    target : Path
        A folder that exists.

    Raises
    ------
    InputError
        If the settings cannot be read, or a file that they need is another one now.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> copy_decoder(folder, folder)
    >>> list(folder.iterdir())
    []
    """
    settings = DecoderSettings.load(source)
    if settings.kind == GREEDY:
        return
    copies = {}
    for name in ("lm", "lexicon"):
        path = getattr(settings, name)
        if path is not None:
            copies[name] = shutil.copy(path, target / f"{name}.{Path(path).name}")
    known = json.loads((source / FILE).read_text(encoding="utf-8"))
    replace(settings, **copies).save(target, tuning=known["tuning"])
