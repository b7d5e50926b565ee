"""A run's recogniser as a folder that SpeechBrain, transformers and ours load."""

from pathlib import Path

from xlsr_sb.checkpoints.writing import appearing
from xlsr_sb.encoder.lora import merge_lora
from xlsr_sb.errors import InputError
from xlsr_sb.export.decoder import copy_decoder
from xlsr_sb.export.loading import ENCODER, HEAD
from xlsr_sb.export.recogniser import Characters
from xlsr_sb.export.runs import read_run, settings_folder
from xlsr_sb.export.texts import hyperparameters, model_card
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.results import read_rows
from xlsr_sb.tasks.vocabularies import VOCABULARY
from xlsr_sb.training.checkpoint_states import write_state

HPARAMS = "hyperparams.yaml"
RESULTS = "results.csv"  # in the folder of a run that was scored


def export_recogniser(
    run_folder: str | Path, target: str | Path, *, language: str | None = None
) -> Path:
    """Write the best recogniser of a run into a new folder.

    ``speechbrain.inference.ASR.EncoderASR.from_hparams(source=target)`` loads it
    without a network, ``target/encoder`` is an encoder source for another training.
    A decoder that was tuned goes along, with its language model; ``xlsr-sb transcribe``
    uses it. The folder appears complete or not at all.

    Parameters
    ----------
    run_folder : str or Path
        A recipe's ``output_folder``.
    target : str or Path
        Must not exist.
    language : str, optional
        Of a run with outputs for each language the one that is exported.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the run has no validated checkpoint, the target exists or cannot be written,
        or a language is missing, unknown, or named where there is nothing to choose.

    Example
    -------
    >>> export_recogniser("results/demo/1", getfixture("tmp_path"))
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ... exists already; remove it or give another target
    """
    run_folder, target = Path(run_folder), Path(target)
    if target.exists():
        raise InputError(f"{target} exists already; remove it or give another target")
    transcriber, meta = read_run(run_folder, language=language)
    merge_lora(transcriber.encoder)
    results = run_folder / RESULTS
    rows = read_rows(results) if results.exists() else []
    if language is not None:
        rows = [row for row in rows if row.group == language]
    with appearing(target) as folder:
        _write_models(transcriber, folder)
        copy_decoder(settings_folder(run_folder, language), folder)
        card = model_card(target.resolve().name, transcriber, rows, meta=meta)
        yaml = hyperparameters(transcriber)
        for name, text in {HPARAMS: yaml, "README.md": card}.items():
            (folder / name).write_text(text, encoding="utf-8")
    return target


def _write_models(transcriber: Transcriber, folder: Path) -> None:
    """Write weights and tokens, for every reader in the form it knows."""
    write_state(folder / "encoder.ckpt", transcriber.encoder.state_dict())
    write_state(folder / HEAD, transcriber.head.state_dict())
    Characters.of(transcriber.vocabulary).save(folder / "tokenizer.ckpt")
    transcriber.vocabulary.save(folder / VOCABULARY)
    transcriber.encoder.save_pretrained(folder / ENCODER)
