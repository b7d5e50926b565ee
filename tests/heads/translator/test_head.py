"""The translation head: whole texts, token by token, and its configuration."""

import numpy as np
import pytest
import torch

from tests.encoder.kept import pretended_gpu
from xlsr_sb.checkpoints.huggingface.translation_names import head_tensors
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig

SIZES = {"vocab_size": 40, "dim": 24, "ffn_dim": 20, "num_heads": 3, "num_layers": 3}
SIZES |= {"max_positions": 16}
FRAMES, TOKENS = [60, 17, 33, 1], [7, 4, 9, 1]


def random_head(seed=0, encoder_dim=20, **fields):
    """Head in evaluation mode, with noise on every parameter."""
    torch.manual_seed(seed)
    config = TranslatorConfig.preset("small", **{**SIZES, **fields})
    head = TranslationHead(encoder_dim, config).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return head


def ragged(encoder_dim=20):
    """Features, frames, tokens and their numbers, with noise in all padding."""
    torch.manual_seed(1)
    features = torch.randn(len(FRAMES), max(FRAMES) + 3, encoder_dim)
    tokens = torch.randint(3, 40, (len(TOKENS), max(TOKENS)))
    return features, torch.tensor(FRAMES), tokens, torch.tensor(TOKENS)


def alone(batch, i):
    """The same of one utterance, without padding."""
    features, num_frames, tokens, num_tokens = batch
    return (
        features[i : i + 1, : FRAMES[i]],
        num_frames[i : i + 1],
        tokens[i : i + 1, : TOKENS[i]],
        num_tokens[i : i + 1],
    )


@pytest.fixture(params=["small", "projections", "checkpointing"])
def head(request):
    """Heads that are built in different ways."""
    fields = {
        "small": {},
        "projections": {"adaptor_dim": 20, "tied_embeddings": False},
        "checkpointing": {"activation_checkpointing": True, "scale_embeddings": False},
    }
    return random_head(**fields[request.param])


def test_an_utterance_alone_is_the_utterance_in_a_batch(head):
    """Hidden states, and gradients of every parameter."""
    batch = ragged()
    hidden = head(*batch)
    head.logits(hidden).square().sum().backward()
    wanted = [p.grad.clone() for p in head.parameters()]
    head.zero_grad()
    for i, count in enumerate(TOKENS):
        one = head(*alone(batch, i))[0]
        head.logits(one).square().sum().backward()
        torch.testing.assert_close(hidden[i, :count], one, atol=1e-5, rtol=1e-5)
        assert not hidden[i, count:].any()
    for parameter, grad in zip(head.parameters(), wanted, strict=True):
        assert grad.any()
        torch.testing.assert_close(parameter.grad, grad, atol=1e-3, rtol=1e-4)


def test_a_token_does_not_see_later_ones(head):
    """Another last token changes what stands at its place alone."""
    features, num_frames, tokens, num_tokens = alone(ragged(), 0)
    with torch.no_grad():
        before = head(features, num_frames, tokens, num_tokens)[0]
        tokens = tokens.clone()
        tokens[0, 4] = (tokens[0, 4] + 1) % 40
        after = head(features, num_frames, tokens, num_tokens)[0]
    same = (before - after).abs().amax(dim=1) < 1e-6
    assert same.tolist() == [True] * 4 + [False] * 3


@torch.no_grad()
def test_token_by_token_is_the_whole_text(head):
    """Rows of an utterance have texts of their own."""
    features, num_frames, _, _ = ragged()
    texts = torch.randint(3, 40, (4, 3, 8))  # three rows of each
    memory, num_memory = head.adapt(features, num_frames)
    state = head.start(memory, num_memory, beam_size=3, max_tokens=8)
    steps = [head.step(texts[:, :, i].flatten(), state) for i in range(8)]
    logits = torch.stack(steps, dim=1).unflatten(0, (4, 3))  # [B, K, U, V]
    assert logits.dtype == torch.float32
    for k in range(3):
        hidden = head(features, num_frames, texts[:, k], torch.full((4,), 8))
        torch.testing.assert_close(
            logits[:, k], head.logits(hidden), atol=1e-4, rtol=1e-4
        )
    with pytest.raises(IndexError, match="room for 8 tokens"):
        head.step(texts[:, :, 0].flatten(), state)


@torch.no_grad()
def test_rows_change_places_and_utterances_leave():
    """After each step rows go on from others, as if they had always been there."""
    head, (features, num_frames, _, _) = random_head(), ragged()
    beam, left = 4, torch.arange(len(FRAMES))
    memory, num_memory = head.adapt(features, num_frames)
    state = head.start(memory, num_memory, beam_size=beam, max_tokens=12)
    texts = torch.empty(len(left) * beam, 0, dtype=torch.long)
    generator = torch.Generator().manual_seed(2)
    for step in range(12):
        rows = len(left) * beam
        new = torch.randint(3, 40, (rows, 1), generator=generator)
        texts = torch.cat([texts, new], dim=1)
        logits = head.step(new[:, 0], state)
        hidden = head(
            features[left].repeat_interleave(beam, 0),
            num_frames[left].repeat_interleave(beam, 0),
            texts,
            torch.full((rows,), step + 1),
        )
        wanted = head.logits(hidden[:, -1])
        torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-4)
        if step in (3, 7):
            stay = torch.tensor([1, 2, 3]) if step == 3 else torch.tensor([2])
            left = left[stay]
            head.keep(state, stay)
            texts = texts.unflatten(0, (-1, beam))[stay].flatten(0, 1)
        parents = torch.randint(0, beam, (len(left), beam), generator=generator)
        order = (parents + torch.arange(len(left))[:, None] * beam).flatten()
        head.reorder(state, order)
        texts = texts[order]
    assert len(state.memory_keys[0]) == len(state.keys[0]) == 1


@torch.no_grad()
def test_weights_in_16_bits():
    """Caches are in 16 bits as well, logits in 32, near those of 32 bits."""
    head, batch = random_head(), ragged()
    hidden = head.logits(head(*batch))
    head.bfloat16()
    memory, num_memory = head.adapt(batch[0].bfloat16(), batch[1])
    state = head.start(memory.float(), num_memory, beam_size=1, max_tokens=1)
    logits = head.step(batch[2][:, 0], state)
    assert (state.keys.dtype, logits.dtype) == (torch.bfloat16, torch.float32)
    error = (logits - hidden[:, 0]).norm() / hidden[:, 0].norm()
    assert 0 < error < 0.05


def test_a_gpu_is_not_waited_for():
    """Shapes and devices of all paths; a value that was asked for would be an error."""
    pytest.importorskip("torch._subclasses.fake_tensor")
    with pretended_gpu():
        with torch.device("cuda"):
            head = TranslationHead(20, TranslatorConfig.preset("small", **SIZES))
            features, num_frames = torch.empty(4, 60, 20), torch.ones(4).long()
            tokens = torch.zeros(4, 9).long()
        with torch.autocast("cuda", torch.bfloat16):
            hidden = head(features, num_frames, tokens, np.array(TOKENS))
        assert hidden.is_cuda
        assert hidden.shape == (4, 9, 24)
        with torch.no_grad():
            memory, num_memory = head.adapt(features, num_frames)
            state = head.start(memory, num_memory, beam_size=2, max_tokens=3)
            for left in (4, 3):
                logits = head.step(tokens[:left, :2].flatten(), state)
                assert logits.is_cuda
                assert logits.shape == (2 * left, 40)
                head.keep(state, torch.arange(left - 1, device="cuda"))
                head.reorder(state, torch.arange(2 * left - 2, device="cuda"))


def test_dropout_and_layerdrop_act_in_training_alone():
    """A seed fixes which layers are dropped."""
    batch = ragged()
    for name in ("dropout", "attention_dropout", "activation_dropout", "layerdrop"):
        head = random_head(**{"dropout": 0.0, name: 0.4})
        assert torch.equal(head(*batch), head(*batch))
        head.train()
        found = []
        for seed in (0, 0, 3):
            torch.manual_seed(seed)
            head.seed_layerdrop(seed)
            found.append(head(*batch))
        assert torch.equal(found[0], found[1]), name
        assert not torch.equal(found[0], found[2]), name


@pytest.mark.parametrize(
    "fields",
    [{}, {"adaptor_dim": 20, "tied_embeddings": False}, {"adaptor_layers": 0}],
)
def test_parameters_are_those_that_checkpoints_expect(fields):
    """Names and shapes, from the sizes alone."""
    head = random_head(**fields)
    settings = {**vars(head.config), "adaptor_dim": head.config.memory_dim}
    wanted = {name: one.shape for name, one in head_tensors(20, settings).items()}
    assert {name: one.shape for name, one in head.state_dict().items()} == wanted


def test_the_published_decoder_has_459_million_parameters():
    """Of the size that the paper says."""
    with torch.device("meta"):
        head = TranslationHead(1024, TranslatorConfig.preset("mbart"))
    count = sum(p.numel() for p in head.decoder.parameters())
    assert round(count / 1e6) == 459
    assert head.output_weight is head.decoder.embeddings.weight


def test_a_text_that_is_too_long_is_an_error():
    """In training, and before a search begins."""
    head, (features, num_frames, _, _) = random_head(), ragged()
    texts = torch.full((4, 17), 3)
    with pytest.raises(InputError, match="17 tokens are too many.* for 16"):
        head(features, num_frames, texts, torch.full((4,), 17))
    with pytest.raises(InputError, match="17 tokens are too many"):
        head.start(*head.adapt(features, num_frames), beam_size=2, max_tokens=17)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": 25}, "dim 25 must be a multiple of num_heads 3"),
        ({"num_layers": 0}, "num_layers must be a whole number from 1 on, got 0"),
        ({"adaptor_layers": -1}, "adaptor_layers must be a whole number from 0 on"),
        ({"ffn_dim": 2.0}, "ffn_dim must be a whole number from 1 on, got 2.0"),
        ({"activation": "silu"}, "activation must be one of gelu, relu, got 'silu'"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": "0.1"}, r"dropout must be in \[0, 1\), got '0.1'"),
        ({"tied_embeddings": "no"}, "tied_embeddings must be true or false, got 'no'"),
        ({"start": None}, "start must be a token from 0 to vocab_size - 1, got None"),
        ({"eos": 40}, "eos must be a token from 0 to vocab_size - 1, got 40"),
        ({"language_token": -1}, "language_token must be a token"),
        ({"width": 3}, r"no option \['width'\]; there are"),
        ({"adaptor_dim": 21}, "adaptor_dim is 21; it must be the encoder's width 20"),
    ],
)
def test_what_cannot_work_is_an_error(fields, message):
    """With the value, and what is allowed."""
    with pytest.raises(InputError, match=f"translation head: {message}"):
        random_head(**fields)


def test_an_unknown_preset_is_an_error():
    """With those that there are."""
    with pytest.raises(InputError, match="no preset 'large'; there are"):
        TranslatorConfig.preset("large")
