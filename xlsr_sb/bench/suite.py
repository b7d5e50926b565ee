"""The order of events of a benchmark: workers, cases, loaders, decoders."""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import torch

from xlsr_sb.bench.apart import compare_apart
from xlsr_sb.bench.cases import WORKS, Case, Settings
from xlsr_sb.bench.decoding_lines import decoding_lines, translating_line
from xlsr_sb.bench.lines import Line, rate_line
from xlsr_sb.bench.measuring import build, compare, compare_features, lines_of
from xlsr_sb.bench.pretraining import new_head
from xlsr_sb.bench.processes import Worker, WorkerDiedError
from xlsr_sb.bench.translation import new_translator
from xlsr_sb.encoder import XLSR, XLSRConfig

LOADER_WORKERS = (0, 2)


def run_bench(
    settings: Settings, *, report: Callable[[str], None] = lambda _: None
) -> Iterator[Line]:
    """Measure everything that the settings ask for, line by line.

    Parameters
    ----------
    settings : Settings
    report : callable
        Is told what is being done.

    Yields
    ------
    Line

    Raises
    ------
    InputError
        If two sides compute different things, or ours cannot compute.

    Example
    -------
    >>> settings = Settings(parts=["decoding"], quick=True, pairs=1, threads=1)
    >>> for line in list(run_bench(settings))[:2]:
    ...     print(line.scene, line.quantity, line.peer)
    decoding speed speechbrain
    decoding speed transformers
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options = {"threads": settings.threads, "device": settings.device}
        ours = stack.enter_context(Worker("ours", **options))
        if "encoder" in settings.parts:
            peers = [Worker(name, **options) for name in settings.peers]
            started = [stack.enter_context(peer) for peer in peers]
            encoders = EncoderBench(settings, ours, started, folder, report)
            yield from encoders.lines()
        if "loader" in settings.parts:
            report("loader")
            yield from loader_lines(ours, settings, folder)
        if "decoding" in settings.parts:
            report("decoding")
            yield from decoding_lines(ours, settings)
        if "translating" in settings.parts:
            report("translating")
            yield translating_line(ours, settings)


class EncoderBench:
    """The cases of all sizes.

    Parameters
    ----------
    settings : Settings
    ours : Worker
    peers : sequence of Worker
    folder : Path
        Takes weights and features.
    report : callable
    """

    def __init__(
        self,
        settings: Settings,
        ours: Worker,
        peers: Sequence[Worker],
        folder: Path,
        report: Callable[[str], None],
    ):
        self.settings, self.ours, self.peers = settings, ours, list(peers)
        self.folder, self.report = folder, report
        self.weights, self.translator = folder / "encoder", folder / "translator"

    def lines(self) -> Iterator[Line]:
        """Of every case, size by size."""
        for size, of_size in groupby(self.settings.cases(), key=lambda case: case.size):
            self.report(f"{size}: random weights")
            config = XLSRConfig.preset(size)
            torch.manual_seed(0)
            lobe, head = XLSR(config), new_head(config, size)
            lobe.save_pretrained(self.weights, heads=head.tensors())
            cases = list(of_size)
            if any(WORKS[case.work].is_whole_model for case in cases):
                new_translator(lobe, size).save_pretrained(self.translator)
            del lobe, head
            for _, of_batch in groupby(cases, key=lambda case: case.batch):
                yield from self._batch(list(of_batch), config)

    def _batch(self, cases: list[Case], config: XLSRConfig) -> Iterator[Line]:
        """All cases on one batch, after a look at whether outputs agree."""
        first = Case(cases[0].size, "fp32", cases[0].batch, "inference")
        self.report(f"{first.size} {first.batch}: do the outputs agree?")
        build(self.ours, self.weights, first)
        for peer in list(self.peers):
            yield self._agreement(peer, first)
        for case in cases:
            yield from self._case(case, config)

    def _agreement(self, peer: Worker, case: Case) -> Line:
        """Difference in single precision; a peer that is not there is left out."""
        absent = build(peer, self.weights, case)
        if absent:
            self.peers.remove(peer)
            shared = {"quantity": "not measured", "unit": "", "note": absent}
            return Line(case.size, case.title, peer=peer.side, **shared)
        line = compare_features(self.ours, peer, self.folder, case)
        peer.ask("forget")
        return line

    def _case(self, case: Case, config: XLSRConfig) -> Iterator[Line]:
        """Pairs beside each peer, or ours alone."""
        self.ours.ask("forget")
        floor = None
        if not WORKS[case.work].is_whole_model:  # its list has the encoder's alone
            question = {"case": asdict(case), "config": asdict(config)}
            floor = self.ours.ask("floor", quick=self.settings.quick, **question)
        compared = [p for p in self.peers if self.settings.compares(p.side, case.work)]
        for peer in compared:
            self.report(f"{case.size} {case.title}: beside {peer.side}")
            try:
                yield from self._beside(peer, case, floor)
            except WorkerDiedError as error:
                if peer.is_alive:  # then it was ours that died
                    raise
                self.peers.remove(peer)
                shared = {"quantity": "not measured", "unit": "", "note": str(error)}
                yield Line(case.size, case.title, peer=peer.side, **shared)
        if not compared or not self.peers:
            self.report(f"{case.size} {case.title}: alone")
            yield from self._alone(case, floor)

    def _beside(self, peer: Worker, case: Case, floor: dict | None) -> list[Line]:
        """Pairs of steps, both from the same weights."""
        pairs = self.settings.pairs
        if WORKS[case.work].is_whole_model:
            options = {"weights": self.translator, "case": case, "pairs": pairs}
            found = compare_apart(self.ours, peer, **options)
            return lines_of(case, peer.side, found, floor)
        for worker in (self.ours, peer):
            build(worker, self.weights, case)
        options = {"folder": self.folder, "case": case, "pairs": pairs}
        found = compare(self.ours, peer, **options)
        for worker in (self.ours, peer):
            worker.ask("forget")
        return lines_of(case, peer.side, found, floor)

    def _alone(self, case: Case, floor: dict | None) -> Iterator[Line]:
        """Time of ours and its share, where there is no peer."""
        is_whole = WORKS[case.work].is_whole_model
        build(self.ours, self.translator if is_whole else self.weights, case)
        self.ours.ask("step")
        steps = [self.ours.ask("step") for _ in range(self.settings.pairs)]
        seconds = statistics.median(step["seconds"] for step in steps)
        shared = {"scene": case.size, "work": case.title, "pairs": len(steps)}
        yield Line(**shared, quantity="time", unit="s", ours=seconds)
        if floor is not None:
            share = floor["packed"] / seconds
            quantity = "share of the products' time"
            yield Line(**shared, quantity=quantity, unit="", ours=share)


def loader_lines(ours: Worker, settings: Settings, folder: Path) -> Iterator[Line]:
    """Seconds of speech that are read in a second."""
    audio = folder / "audio"
    audio.mkdir()
    options = {"pairs": settings.pairs, "quick": settings.quick}
    answer = ours.ask("loading", folder=str(audio), workers=LOADER_WORKERS, **options)
    for found in answer["rates"]:
        work = f"{found['name']}, {found['workers']} workers"
        yield rate_line(
            "loader", work, "speechbrain", found["ours"], found["speechbrain"]
        )
