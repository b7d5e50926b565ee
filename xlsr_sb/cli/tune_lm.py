"""``xlsr-sb tune-lm``: weights of a language model, kept in a model's folder."""

import argparse
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from xlsr_sb.cli.parsing import add_command, add_language_to
from xlsr_sb.data.batching import EvalLoader, SpeechDataset
from xlsr_sb.data.text import CHARACTERS, TOKENS, Vocabulary, transcript_of
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.hypothesis import Decoder, space_of
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.decoders.tuning import Errors, Trial, best_texts, search
from xlsr_sb.errors import InputError
from xlsr_sb.export import Transcriber, load_transcriber, settings_folder
from xlsr_sb.manifest import read_manifest
from xlsr_sb.metrics import Score, character_errors, word_errors

SEED = 1986
TRIALS = 40
SECONDS_PER_BATCH = 60.0
METRICS = ("WER", "CER")
SEARCHED = {  # weights that a kind of decoder has
    "lexicon": ("lm_weight", "word_score"),
    "beam": ("lm_weight", "space_score"),
}


def add_to(commands) -> None:
    """Add the command ``tune-lm`` to those of ``xlsr-sb``.

    Parameters
    ----------
    commands : argparse's action of subparsers

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_to(parser.add_subparsers())
    >>> parser.parse_args("tune-lm run dev.csv --lm lm.arpa".split()).trials
    40
    """
    parser = add_command(commands, "tune-lm", _tune)
    parser.add_argument("model", help="folder of a run, or exported")
    parser.add_argument("manifest", help="CSV of the development set")
    add_language_to(parser)
    parser.add_argument("--lm", required=True, help="ARPA, gzipped, or KenLM's binary")
    parser.add_argument("--lexicon", help="by default the words of the language model")
    parser.add_argument(
        "--kind",
        choices=SEARCHED,
        default="lexicon",
        help="lexicon: a language model of words; beam: of characters or symbols; "
        "default: %(default)s",
    )
    for name, default in (("trials", TRIALS), ("seed", SEED), ("beam-size", 100)):
        parser.add_argument(
            f"--{name}", type=int, default=default, help="default: %(default)s"
        )
    parser.add_argument(
        "--metric",
        choices=METRICS,
        default="WER",
        help="whose errors count; those of the other decide between equals; CER for "
        "languages that are written without spaces; default: %(default)s",
    )
    parser.add_argument(
        "--keep",
        metavar="CHARACTERS",
        help="kept inside the words of transcripts; by default those that the model "
        "can write",
    )


def _tune(arguments: argparse.Namespace) -> None:
    """Find the weights of a language model and keep them with the model."""
    folder = Path(arguments.model)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: there is nowhere to keep the weights")
    settings = DecoderSettings(
        kind=arguments.kind,
        lm=arguments.lm,
        lexicon=arguments.lexicon,
        beam_size=arguments.beam_size,
    )
    transcriber = load_transcriber(folder, language=arguments.language)
    decoder = settings.build(transcriber.vocabulary)
    dev = _DevSet.of(transcriber, arguments)
    greedy = dev.errors(GreedyDecoder(transcriber.vocabulary))
    print(f"greedy\t{dev.shown(greedy)}", flush=True)
    begin = time.monotonic()
    trials = _trials(decoder, dev, arguments)
    best = min(trials, key=lambda one: one.errors)
    first, last = (_order(arguments.metric)(t.errors) for t in (trials[0], best))
    tuning = {
        "metric": arguments.metric,
        "manifest": str(Path(arguments.manifest).resolve()),
        "utterances": len(dev.references),
        "greedy": dev.rates(greedy),
        "before": dev.rates(first),
        "after": dev.rates(last),
        "trials": len(trials),
        "seed": arguments.seed,
        "seconds": round(time.monotonic() - begin, 1),
    }
    chosen = {name: getattr(best.weights, name) for name in SEARCHED[arguments.kind]}
    place = settings_folder(folder, arguments.language)
    path = replace(settings, **chosen).save(place, tuning=tuning)
    print(f"best\t{_shown(best, arguments.kind)}\t{dev.shown(last)}\n{path}")


def _trials(decoder, dev: "_DevSet", arguments: argparse.Namespace) -> list[Trial]:
    """Try weights and print a line for each."""
    trials, by_metric = [], _order(arguments.metric)
    for trial in search(
        lambda weights: by_metric(dev.errors(decoder.weighed(weights))),
        start=decoder.weights,
        names=SEARCHED[arguments.kind],
        num_trials=arguments.trials,
        seed=arguments.seed,
    ):
        trials.append(trial)
        shown = _shown(trial, arguments.kind)
        errors = dev.shown(by_metric(trial.errors))
        print(f"{len(trials)}\t{shown}\t{errors}", flush=True)
    return trials


def _order(metric: str) -> Callable[[Errors], Errors]:
    """Word errors and character errors, the decisive ones first; and back again."""
    return lambda errors: errors[:: 1 if metric == METRICS[0] else -1]


def _shown(trial: Trial, kind: str) -> str:
    """Weights that are searched for."""
    values = {name: getattr(trial.weights, name) for name in SEARCHED[kind]}
    return " ".join(f"{name} {value:g}" for name, value in values.items())


@dataclass(frozen=True)
class _DevSet:
    """Log-probabilities [F, V] and reference of each utterance; words, characters."""

    log_probs: list[Tensor]
    references: list[str]

    @classmethod
    def of(cls, transcriber: Transcriber, arguments: argparse.Namespace) -> "_DevSet":
        """Run the network over a manifest, or what it has of a language, once."""
        manifest, language = arguments.manifest, arguments.language
        utterances = read_manifest(manifest)
        if language is not None:
            utterances = [one for one in utterances if one.language == language]
        references = _references(
            utterances, transcriber.vocabulary, keep=arguments.keep
        )
        if not any(references):
            raise InputError(
                f"{manifest} has no transcripts{f' of {language}' * bool(language)}; "
                "nothing can be tuned on it"
            )
        return cls(_log_probs(utterances, transcriber), references)

    def errors(self, decoder: Decoder) -> tuple[int, int]:
        """Word errors and character errors."""
        return tuple(one.errors for one in self._scores(decoder))

    def shown(self, errors: tuple[int, ...]) -> str:
        """Error rates for the eye."""
        rates = self.rates(errors).items()
        return " ".join(f"{name} {100 * rate:.2f} %" for name, rate in rates)

    def rates(self, errors: tuple[int, ...]) -> dict[str, float]:
        """Error rates of so many errors."""
        words = sum(len(one.split()) for one in self.references)
        characters = sum(map(len, self.references))
        return {
            "WER": round(errors[0] / words, 6),
            "CER": round(errors[1] / characters, 6),
        }

    def _scores(self, decoder: Decoder) -> tuple[Score, Score]:
        """Word and character errors of a decoder."""
        texts = best_texts(decoder, self.log_probs)
        return (
            word_errors(self.references, texts),
            character_errors(self.references, texts),
        )


def _references(utterances: list, vocabulary: Vocabulary, *, keep: str | None) -> list:
    """Transcripts as the model writes them."""
    units = TOKENS if space_of(vocabulary) is None else CHARACTERS
    if keep is None:
        marks = [one for one in vocabulary.tokens if _is_mark(one)]
        keep = "".join(marks)
    texts = [
        transcript_of(u.wrd, u.language, units=units, keep=keep) for u in utterances
    ]
    is_lower = any(one.islower() for one in vocabulary.tokens if len(one) == 1)
    return texts if units == TOKENS or is_lower else [one.upper() for one in texts]


def _is_mark(token: str) -> bool:
    """Whether a token is a character that stands in words and is no letter or digit."""
    return len(token) == 1 and unicodedata.category(token)[0] in "PS"


def _log_probs(utterances: list, transcriber: Transcriber) -> list[Tensor]:
    """Log-probabilities [F, V] of each utterance; no frames of one without sound."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    transcriber.to(device)
    loader = EvalLoader(
        SpeechDataset(utterances, encode_target=lambda _: []),
        seconds_per_device=SECONDS_PER_BATCH,
    )
    found: dict[str, Tensor] = {}
    with torch.no_grad():
        for batch in loader:
            moved = batch.to(device)
            encoded = transcriber.encoder.encode(moved.waveforms, moved.num_samples)
            rows = transcriber.head(encoded.features).float().cpu()
            counts = encoded.num_frames.tolist()
            for name, row, n in zip(batch.ids, rows, counts, strict=True):
                found[name] = row[:n].clone()
    nothing = torch.zeros(0, len(transcriber.vocabulary))
    return [found.get(one.id, nothing) for one in utterances]
