"""The folder of a finished run, made by hand in a moment."""

import numpy as np
import soundfile
import torch

from xlsr_sb import XLSR
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.export import write_sizes
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.manifest import Utterance, write_manifest
from xlsr_sb.results import ResultRow, append_rows
from xlsr_sb.training.checkpointer import AtomicCheckpointer

SIZES = {
    "preset": "tiny",
    "conv_dims": [16] * 7,
    "dim": 32,
    "num_heads": 4,
    "ffn_dim": 48,
    "num_layers": 2,
    "pos_conv_kernel": 16,
    "pos_conv_groups": 4,
    "layerdrop": 0.5,
}
VOCABULARY = Vocabulary.of(["été c'est fini"])
CURVE = "update,train_loss,valid_loss,WER,CER\n10,3.2,3.0,1.0,0.9\n20,3.1,2.9,0.9,0.8\n"
CERS = {10: 0.9, 20: 0.25, 30: 0.5}  # on the development set, by update


def modules(update: int) -> dict[str, torch.nn.Module]:
    """Encoder and head of a checkpoint, loud enough to say many tokens."""
    torch.manual_seed(update)
    head = CTCHead(SIZES["dim"], len(VOCABULARY))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return {"encoder": XLSR.build(**SIZES), "head": head}


def result(seed: int = 1, **fields) -> ResultRow:
    """One row of results."""
    values = {"recipe": "Toy/ASR", "hparams": "toy.yaml", "split": "test"}
    values |= {"group": "fr", "metric": "CER", "value": 0.25, "errors": 1, "total": 4}
    values |= {"clips": 1, "updates": 30, "minutes": 0.5, "commit": "1a2b3c4"}
    values |= {"command": "python train.py", "device": "cpu", "date": "2025-01-31"}
    return ResultRow(**{**values, **fields}, seed=seed)


def finished_run(folder, *, seed: int = 1):
    """Write a run that was best at update 20 of 30; the folder."""
    (folder / "save").mkdir(parents=True)
    for update, cer in CERS.items():
        checkpointer = AtomicCheckpointer(folder / "save", modules(update))
        checkpointer.save({"update": update, "CER": cer}, num_recent=3)
    VOCABULARY.save(folder / "vocabulary.txt")
    (folder / "hyperparams.yaml").write_text(hyperparameters())
    write_sizes(folder, modules(0)["encoder"].config)
    (folder / "learning_curve.csv").write_text(CURVE)
    append_rows(
        folder / "results.csv",
        [result(seed, group=group) for group in ("fr", "no", "all")],
    )
    manifests(folder / "manifests")
    return folder


def hyperparameters(**lobe) -> str:
    """What ``write_flat`` leaves in the folder of a run, as far as it is read."""
    sizes = "".join(f"    {k}: {v}\n" for k, v in {**SIZES, **lobe}.items())
    return (
        'data:\n  keep_characters: "\'"\n'
        f"encoder:\n  lobe: !name:xlsr_sb.XLSR.build\n{sizes}"
        "head:\n  module: !name:xlsr_sb.heads.ctc.CTCHead\n    dropout: 0.5\n"
    )


def manifests(folder) -> None:
    """Manifests whose test split would score 0.5 with the best constant output."""
    folder.mkdir()
    one = Utterance("a", "a.wav", 1.0, language="fr", wrd="OUI!")
    other = Utterance("b", "b.wav", 1.0, language="fr", wrd="Où ?")
    splits = {"train": [one], "dev": [one], "test": [one, other]}
    for name, utterances in splits.items():
        write_manifest(folder / f"{name}.csv", utterances)
    (folder / "prepared.json").write_text('{"splits": ["train", "dev", "test"]}')


def noise(path, num_samples: int, *, seed: int = 0):
    """Write noise at 16 kHz; the path."""
    generator = np.random.default_rng(seed)
    samples = 0.2 * generator.standard_normal(num_samples)
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    return path
