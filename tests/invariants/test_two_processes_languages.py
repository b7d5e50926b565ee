"""Invariant 5 with outputs for each language: a process may lack one of them."""

from tests.invariants.test_two_processes import NOTHING_RANDOM, OPTIONS
from tests.invariants.two_processes import assert_same_training, start_two


def test_two_processes_learn_what_one_learns(
    launcher, corpus, encoder_folder, tmp_path
):
    """Weights to 1e-5, losses, counts and scores."""
    options = OPTIONS | NOTHING_RANDOM | {"encoder.source": encoder_folder}
    options |= {"head.per_language": True, "data.seconds_per_device": 1.5}
    words = [word for key, value in options.items() for word in (f"--{key}", value)]

    def arguments(name):
        shown = ["--noprogressbar", "--output_folder", tmp_path / name]
        given = ("hparams/tiny.yaml", *corpus.options, *words, *shown)
        return [str(word) for word in given]

    alone = launcher.start(*arguments("one"))
    both = start_two(launcher, arguments("two"))
    assert [run.wait() for run in (alone, *both)] == [0, 0, 0], both[0].err
    assert_same_training(tmp_path / "one", tmp_path / "two", num_rows=2)
    assert (tmp_path / "two" / "vocabularies.json").exists()
