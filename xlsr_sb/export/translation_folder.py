"""A run's translator as a folder that transformers, SpeechBrain and ours load."""

import json
from dataclasses import replace
from pathlib import Path

from xlsr_sb.checkpoints.huggingface.translation_config import GENERATION
from xlsr_sb.checkpoints.writing import appearing
from xlsr_sb.encoder.lora import merge_lora
from xlsr_sb.errors import InputError
from xlsr_sb.export.folder import HPARAMS, RESULTS
from xlsr_sb.export.translation_runs import read_translation_run
from xlsr_sb.export.translation_texts import (
    translator_card,
    translator_hyperparameters,
)
from xlsr_sb.export.translator import SEARCH, Translator
from xlsr_sb.files import read_rows as read_table
from xlsr_sb.results import read_rows
from xlsr_sb.translation.stored import StoredTranslator

PEER = {  # our option of the search: transformers'
    "beam_size": "num_beams",
    "max_tokens": "max_new_tokens",
    "length_penalty": "length_penalty",
    "no_repeat_ngram": "no_repeat_ngram_size",
}


def export_translator(run_folder: str | Path, target: str | Path) -> Path:
    """Write the best translator of a run into a new folder.

    transformers' ``SpeechEncoderDecoderModel`` and ``AutoTokenizer`` load it,
    ``speechbrain.inference.ASR.EncoderDecoderASR`` and ours; the weights are there
    once. The folder appears complete or not at all.

    Parameters
    ----------
    run_folder : str or Path
        A recipe's ``output_folder``.
    target : str or Path
        Must not exist.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the run has no validated checkpoint, or the target exists or cannot be
        written.

    Example
    -------
    >>> export_translator("results/demo/1", getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... exists already; remove it or give another target
    """
    run_folder, target = Path(run_folder), Path(target)
    if target.exists():
        raise InputError(f"{target} exists already; remove it or give another target")
    model, tokeniser, stored, meta = read_translation_run(run_folder)
    merge_lora(model.encoder)
    if len(stored.targets) == 1:  # nobody need name it
        [code] = stored.targets.values()
        model.head.config = replace(model.head.config, language_token=code)
    translator = Translator(
        model, tokeniser, stored.targets, {**SEARCH, **stored.search}
    )
    results = run_folder / RESULTS
    card = translator_card(
        target.resolve().name,
        translator,
        read_rows(results) if results.exists() else [],
        signatures=_signatures(run_folder),
        meta=meta,
    )
    texts = {HPARAMS: translator_hyperparameters(translator), "README.md": card}
    with appearing(target) as folder:
        model.save_pretrained(folder)
        tokeniser.save(folder)
        StoredTranslator(stored.targets, translator.search).save(folder)
        _add_search(folder / GENERATION, translator.search)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    return target


def _add_search(path: Path, search: dict) -> None:
    """Tell transformers how translations are searched for."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content |= {PEER[name]: value for name, value in search.items() if name in PEER}
    text = json.dumps(content, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def _signatures(run_folder: Path) -> list[str]:
    """Each metric with the signature of sacrebleu, of all test sets."""
    found = [
        f"{row['metric']}: {row['signature']}"
        for path in sorted(run_folder.glob("*.scores.csv"))
        for _, row in read_table(path, required=["kind", "metric", "signature"])
        if row["kind"] == "pair"
    ]
    return list(dict.fromkeys(found))
