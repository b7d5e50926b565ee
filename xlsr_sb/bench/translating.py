"""Beam search with XLS-R's text decoder beside transformers', on the same weights."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from xlsr_sb.checkpoints.huggingface.translation_names import to_peer
from xlsr_sb.decoders.autoregressive.beam import beam_search
from xlsr_sb.errors import InputError
from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
from xlsr_sb.lengths import mask_of

BATCH, BEAM_SIZE = 8, 5
TOKENS, TOKENS_QUICK = 60, 8  # with the language code; random weights seldom end one
MEMORY = 63  # of ten seconds, at most; what the length adaptor leaves of them
LANGUAGE = 7


def measure(*, device: torch.device, pairs: int, quick: bool) -> dict:
    """Seconds of each search for one batch, after asserting that they agree.

    Parameters
    ----------
    device : torch.device
    pairs : int
        Times that each is measured.
    quick : bool
        Whether the decoder is small and the texts are short.

    Returns
    -------
    dict
        ``tokens`` of each text, ``parameters`` of the decoder, and by search a list of
        seconds, or a sentence that says why there is none.

    Raises
    ------
    InputError
        If transformers finds something else: it would be no comparison.

    Example
    -------
    >>> found = measure(device=torch.device("cpu"), pairs=1, quick=True)
    >>> sorted(set(found) - {"transformers"})
    ['ours', 'parameters', 'tokens']
    """
    torch.manual_seed(0)
    tokens = TOKENS_QUICK if quick else TOKENS
    config = TranslatorConfig.preset("small" if quick else "mbart")
    head = TranslationHead(config.dim, config).eval().to(device)
    memory = torch.randn(BATCH, MEMORY, config.dim).to(device)
    num_memory = torch.linspace(MEMORY // 2, MEMORY, BATCH).long().to(device)
    searches: dict[str, Callable[[], list]] = {
        "ours": lambda: _ours(head, memory, num_memory, tokens)
    }
    parameters = sum(one.numel() for one in head.decoder.parameters())
    found: dict[str, object] = {"tokens": tokens, "parameters": parameters}
    try:
        searches["transformers"] = _transformers(head, memory, num_memory, tokens)
    except ImportError as error:
        found["transformers"] = f"transformers is not installed ({error})"
    texts = {name: search() for name, search in searches.items()}
    if any(one != texts["ours"] for one in texts.values()):
        raise InputError("bench: transformers finds other texts than our beam search")
    found |= {name: [] for name in searches}
    for turn in range(pairs):
        for name in list(searches)[:: -1 if turn % 2 else 1]:
            begin = time.perf_counter()
            searches[name]()  # lists of numbers: a GPU has been waited for
            found[name].append(time.perf_counter() - begin)
    return found


def _ours(
    head: TranslationHead, memory: Tensor, num_memory: Tensor, max_tokens: int
) -> list[list[int]]:
    """Tokens of each utterance."""
    found = beam_search(
        head,
        memory,
        num_memory,
        beam_size=BEAM_SIZE,
        max_tokens=max_tokens,
        prefix=[LANGUAGE],
        start=head.config.start,
        eos=head.config.eos,
    )
    return [list(best.tokens) for [best] in found]


def _transformers(
    head: TranslationHead, memory: Tensor, num_memory: Tensor, max_tokens: int
) -> Callable[[], list[list[int]]]:
    """``generate`` of a model that has the head's own weights, not a copy."""
    from transformers.modeling_outputs import BaseModelOutput

    model = _peer(head)
    eos = head.config.eos

    def search() -> list[list[int]]:
        with torch.no_grad():
            output = model.generate(
                encoder_outputs=BaseModelOutput(memory),
                attention_mask=mask_of(num_memory, MEMORY).long(),
                num_beams=BEAM_SIZE,
                max_new_tokens=max_tokens,
                forced_bos_token_id=LANGUAGE,
            )
        rows = [row[1:] for row in output.tolist()]
        return [row[: row.index(eos)] if eos in row else row for row in rows]

    return search


def _peer(head: TranslationHead):
    """Model of transformers with the head's decoder; its encoder is never run."""
    from transformers import SpeechEncoderDecoderModel

    sizes = head.config
    with torch.device("meta"):
        model = SpeechEncoderDecoderModel(_peer_config(sizes)).eval()
    model.encoder.to_empty(device=head.output_weight.device)
    # It would count frames of samples; here the mask is of frames of the memory.
    model.encoder._get_feature_vector_attention_mask = lambda _, mask: mask.bool()
    ours = {n: t for n, t in head.state_dict().items() if n.startswith("decoder.")}
    model.load_state_dict(to_peer({}, ours), strict=False, assign=True)
    inside = model.decoder.model.decoder
    model.decoder.lm_head.weight = inside.embed_tokens.weight
    if left := [n for n, p in model.named_parameters() if p.is_meta]:
        raise InputError(
            f"bench: transformers' decoder has weights without ours: {left}"
        )
    model.generation_config.update(
        decoder_start_token_id=sizes.start,
        eos_token_id=sizes.eos,
        pad_token_id=sizes.pad,
        forced_eos_token_id=None,
    )
    return model


def _peer_config(sizes: TranslatorConfig):
    """Configuration of transformers with these sizes of the decoder."""
    from transformers import MBartConfig, SpeechEncoderDecoderConfig, Wav2Vec2Config

    decoder = MBartConfig(
        vocab_size=sizes.vocab_size,
        d_model=sizes.dim,
        decoder_layers=sizes.num_layers,
        decoder_attention_heads=sizes.num_heads,
        decoder_ffn_dim=sizes.ffn_dim,
        max_position_embeddings=sizes.max_positions,
        scale_embedding=sizes.scale_embeddings,
        is_decoder=True,
        add_cross_attention=True,
        decoder_start_token_id=sizes.start,
        forced_eos_token_id=None,
    )
    encoder = Wav2Vec2Config(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        conv_dim=(8,) * 7,
        add_adapter=True,
        output_hidden_size=sizes.dim,
    )
    return SpeechEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
