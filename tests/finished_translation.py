"""The folder of a finished translation run, made by hand in a moment."""

import torch

from tests.finished_run import SIZES, result
from xlsr_sb import XLSR
from xlsr_sb.data.subwords import train_tokeniser
from xlsr_sb.export import write_sizes
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.results import append_rows
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.translation.stored import StoredTranslator

TEXTS = ["the night is long and cold", "où est la gare du nord", "nein, danke sehr"]
LOSSES = {10: 5.0, 20: 2.5, 30: 3.5}  # on the development set, by update
SEARCH = {"beam_size": 3, "max_tokens": 20, "length_penalty": 1.0}
SEARCH |= {"no_repeat_ngram": 0}
SIGNATURES = {"BLEU": "nrefs:1|tok:13a", "chrF": "nrefs:1|nc:6"}


def tokeniser(targets):
    """Subwords and one code for each target."""
    return train_tokeniser(TEXTS * 4, num_pieces=26, languages=targets)


def modules(update: int, vocab_size: int, **encoder):
    """Encoder and head of a checkpoint, whose sentences differ from clip to clip."""
    torch.manual_seed(update)
    encoder = XLSR.build(**SIZES, **encoder)
    sizes = {"dim": 24, "ffn_dim": 40, "num_heads": 3, "num_layers": 2}
    sizes |= {"max_positions": 30, "dropout": 0.3, "layerdrop": 0.2}
    config = TranslatorConfig.preset("small", vocab_size=vocab_size, **sizes)
    head = TranslationHead(SIZES["dim"], config)
    torch.manual_seed(update // 5)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    head.output_weight.data[config.eos] *= 3.0  # sentences end
    return {"encoder": encoder, "head": head}


def finished_translation(folder, *, targets=("en",), **encoder):
    """Write a run that was best at update 20 of 30; the folder."""
    own = tokeniser(targets)
    (folder / "save").mkdir(parents=True)
    for update, loss in LOSSES.items():
        parts = modules(update, own.vocab_size, **encoder)
        checkpointer = AtomicCheckpointer(folder / "save", parts)
        checkpointer.save({"update": update, "valid_nll": loss}, num_recent=3)
    own.save(folder / "tokeniser")
    write_sizes(folder, parts["encoder"].config)
    head = parts["head"].config
    StoredTranslator(own.target_ids(targets), SEARCH, head).save(folder)
    fields = {"value": 12.5, "errors": None, "total": None}
    rows = [result(metric=name, group="fr_en", **fields) for name in SIGNATURES]
    append_rows(folder / "results.csv", rows)
    lines = [f"pair,fr_en,{name},{said}" for name, said in SIGNATURES.items()]
    lines = ["kind,group,metric,signature", *lines, "average,all,BLEU,no signature"]
    (folder / "test.scores.csv").write_text("\n".join(lines) + "\n")
    return folder
