"""XLS-R's feature extractor: seven valid convolutions as matrix products."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.convolution import lookahead, strided_convolution
from xlsr_sb.encoder.packing import Packing


class ConvLayer(nn.Module):
    """Valid convolution, LayerNorm over channels, GELU; time first, channels last.

    Parameters
    ----------
    input_dim, output_dim, kernel, stride : int
    """

    def __init__(self, input_dim: int, output_dim: int, *, kernel: int, stride: int):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.weight = nn.Parameter(torch.empty(output_dim, input_dim, kernel))
        self.bias = nn.Parameter(torch.empty(output_dim))
        self.norm = nn.LayerNorm(output_dim)
        nn.init.kaiming_normal_(self.weight)
        # Not zero: behind LayerNorm, silence would then look as loud as speech.
        bound = (kernel * input_dim) ** -0.5
        nn.init.uniform_(self.bias, -bound, bound)

    @property
    def lookahead(self) -> int:
        """Rows of ``stride`` frames that an output reads beyond its own."""
        return lookahead(self.kernel, self.stride)

    def forward(self, frames: Tensor) -> Tensor:
        """Map [stride * (n + lookahead), input_dim] to [n, output_dim]."""
        outputs = strided_convolution(frames, self.weight, self.bias, self.stride)
        outputs = self.norm(outputs)
        if outputs.requires_grad:
            return F.gelu(outputs)
        return torch.ops.aten.gelu_(outputs)  # 90 MB less to fetch at the first layer


class FeatureExtractor(nn.Module):
    """Raw audio to 50 frames a second, for all utterances of a batch in one pass.

    Parameters
    ----------
    config : XLSRConfig

    Example
    -------
    >>> config = XLSRConfig.preset("tiny")
    >>> packing = Packing.of([16_000, 800], config)
    >>> FeatureExtractor(config)(torch.randn(2, 16_000), packing).shape
    torch.Size([51, 64])
    """

    def __init__(self, config: XLSRConfig):
        super().__init__()
        self.grad_scale = config.feature_grad_scale
        input_dims = (1, *config.conv_dims)
        sizes = zip(config.conv_kernels, config.conv_strides, strict=True)
        self.layers = nn.ModuleList(
            ConvLayer(input_dims[i], config.conv_dims[i], kernel=kernel, stride=stride)
            for i, (kernel, stride) in enumerate(sizes)
        )

    @property
    def tail(self) -> int:
        """Zeros to put behind the signal so that every layer sees complete rows."""
        extra = 0
        for layer in reversed(self.layers):
            extra = layer.stride * (extra + layer.lookahead)
        return extra

    def forward(self, waveforms: Tensor, packing: Packing) -> Tensor:
        """Features of the real frames.

        Parameters
        ----------
        waveforms : Tensor [B, T]
            Samples at 16 kHz, not normalised.
        packing : Packing
            Layout of the batch.

        Returns
        -------
        Tensor [N, C]
            One row a real frame, utterance after utterance.
        """
        frames = packing.pack(waveforms, self.tail)[:, None]
        for layer in self.layers:
            frames = layer(frames)
        if self.grad_scale != 1:
            frames = _ScaledGradient.apply(frames, self.grad_scale)
        return frames.index_select(0, packing.real_slots)


class _ScaledGradient(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a constant."""

    @staticmethod
    def forward(ctx, values: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return values.view_as(values)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.scale, None
