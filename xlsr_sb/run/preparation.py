"""Manifests of a run: made once by the recipe's ``prepare.py``, read ever after."""

import importlib.util
import inspect
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.data.joining import prepared
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.manifest import Utterance, read_utterances, write_manifest
from xlsr_sb.manifest.table import SHARDS, UtteranceTable, is_large
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)
OPTIONS = "prepared.json"
CACHE = "cache"  # option for a file that the preparation writes
Splits = dict[str, Sequence[Utterance]]


def find_prepare(recipe: str) -> Callable[..., Corpus]:
    """The ``prepare`` of the corpus that a recipe belongs to.

    Parameters
    ----------
    recipe : str
        The recipe's ``train.py``; ``prepare.py`` stands beside it or one folder above.

    Raises
    ------
    InputError
        If there is none.
    """
    here = Path(recipe).resolve().parent
    places = [here / "prepare.py", here.parent / "prepare.py"]
    for path in places:
        if path.exists():
            if str(path.parent) not in sys.path:
                sys.path.insert(0, str(path.parent))
            spec = importlib.util.spec_from_file_location("prepare", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.prepare
    raise InputError(f"there is no prepare.py for {recipe}; looked at {places}")


def manifests(folder: Path, prepare: Callable[..., Corpus], options: dict) -> Splits:
    """Utterances by split; prepared anew if the options or a file they name changed.

    Parameters
    ----------
    folder : Path
        ``<output_folder>/manifests``.
    prepare : callable
        Of the recipe.
    options : dict
        Its arguments; ``language`` may be several, with commas between.

    Returns
    -------
    dict of str to sequence of Utterance
        A split with a large manifest stays on disk, as an ``UtteranceTable``.

    Raises
    ------
    InputError
        If an option is unknown, or the corpus cannot be prepared.
    """
    _check(prepare, options)
    distributed.on_main(lambda: _prepare(folder, prepare, options))
    return {name: read_utterances(path) for name, path in _paths(folder).items()}


def _paths(folder: Path) -> dict[str, Path]:
    """Manifest of each split; a table stands where ``prepare`` found it."""
    known = json.loads((folder / OPTIONS).read_text())
    tables = known.get("tables", {})
    return {
        name: Path(tables.get(name, folder / f"{name}.csv")) for name in known["splits"]
    }


def _index(folder: Path) -> None:
    """Index large manifests, so that one process does it and not all."""
    for path in _paths(folder).values():
        if is_large(path):
            UtteranceTable(path)


def _prepare(folder: Path, prepare: Callable[..., Corpus], options: dict) -> None:
    """Write the manifests unless they stand there, made with the same options."""
    done, wanted = folder / OPTIONS, _identity(options)
    if done.exists():
        known = json.loads(done.read_text())
        if wanted == {key: known.get(key) for key in wanted}:
            logger.info("manifests of %s are used as they are", folder)
            _index(folder)
            return
        logger.warning("prepared anew: options, or files they name, have changed")
    done.unlink(missing_ok=True)
    corpus = prepared(prepare, options)
    tables = {}
    for name, utterances in corpus.splits.items():
        if isinstance(utterances, UtteranceTable):
            tables[name] = str(utterances.path.absolute())
        else:
            write_manifest(folder / f"{name}.csv", utterances)
    if corpus.notes:
        print(corpus.table())
        logger.info("prepared:\n%s", corpus.table())
    with open_atomic(done) as file:
        made = {"splits": list(corpus.splits), "tables": tables}
        json.dump(wanted | made, file, indent=2)
    _index(folder)


def _identity(options: dict) -> dict:
    """What manifests depend on, as JSON gives it back: options, and files they name.

    Nothing depends on what the preparation remembers for itself.
    """
    options = {name: value for name, value in options.items() if name != CACHE}
    paths = [Path(value) for value in options.values() if isinstance(value, str)]
    paths += [path / SHARDS for path in paths]
    files = {
        str(path): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in paths
        if path.is_file()
    }
    return json.loads(json.dumps({"options": options, "files": files}, default=str))


def _check(prepare: Callable[..., Corpus], options: dict) -> None:
    """Raise if ``prepare`` does not take an option."""
    known = list(inspect.signature(prepare).parameters)
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"prepare: no option {unknown}; there are {known}")
