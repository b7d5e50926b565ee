"""Manifests of a run: made once by the recipe's ``prepare.py``, read ever after."""

import importlib.util
import inspect
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from xlsr_sb.data.corpus import Corpus
from xlsr_sb.errors import InputError
from xlsr_sb.files import open_atomic
from xlsr_sb.manifest import Utterance, read_manifest, write_manifest
from xlsr_sb.training import distributed

logger = logging.getLogger(__name__)
OPTIONS = "prepared.json"
Splits = dict[str, list[Utterance]]


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
        Its arguments.

    Returns
    -------
    dict of str to list of Utterance

    Raises
    ------
    InputError
        If an option is unknown, or the corpus cannot be prepared.
    """
    _check(prepare, options)
    distributed.on_main(lambda: _prepare(folder, prepare, options))
    splits = json.loads((folder / OPTIONS).read_text())["splits"]
    return {name: read_manifest(folder / f"{name}.csv") for name in splits}


def _prepare(folder: Path, prepare: Callable[..., Corpus], options: dict) -> None:
    """Write the manifests unless they stand there, made with the same options."""
    done, wanted = folder / OPTIONS, _identity(options)
    if done.exists():
        known = json.loads(done.read_text())
        if wanted == {key: known.get(key) for key in wanted}:
            logger.info("manifests of %s are used as they are", folder)
            return
        logger.warning("prepared anew: options, or files they name, have changed")
    done.unlink(missing_ok=True)
    corpus = prepare(**options)
    for name, utterances in corpus.splits.items():
        write_manifest(folder / f"{name}.csv", utterances)
    if corpus.notes:
        print(corpus.table())
        logger.info("prepared:\n%s", corpus.table())
    with open_atomic(done) as file:
        json.dump(wanted | {"splits": list(corpus.splits)}, file, indent=2)


def _identity(options: dict) -> dict:
    """What manifests depend on, as JSON gives it back: options, and files they name."""
    paths = [Path(value) for value in options.values() if isinstance(value, str)]
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
