"""Gradients through time: measured against the lag, and the weights that decide how fast they fall or grow."""

import torch
from torch import Tensor, nn


def gradient_by_lag(network: nn.Module, x: Tensor) -> Tensor:
    """How much the last hidden state depends on the input k steps before.

    Args:
        network: one of PyTorch's recurrent networks with `batch_first=True`, or one of ours. On an Nvidia GPU PyTorch's
            must be in training mode: cuDNN has no way back in evaluation mode.
        x: (batch, time, input_size)

    Returns:
        (time,): at k the norm of the gradient of the last hidden state's sum by x_{T-k}, the median over the batch

    Raises:
        ValueError: the network takes (time, batch, input_size).
    """
    if not getattr(network, "batch_first", True):
        raise ValueError("the lag is counted along the second dimension: make the network with batch_first=True")
    x = x.detach().requires_grad_()
    outputs, _ = network(x)  # (batch, time, hidden_size)
    (gradient,) = torch.autograd.grad(outputs[:, -1].sum(), x)  # one a sequence: rows do not mix
    return gradient.norm(dim=-1).median(dim=0).values.flip(0)  # (time,)


def spectral_radius(matrix: Tensor) -> float:
    """The largest modulus of a square matrix's eigenvalues: the factor by which its powers grow in the long run."""
    return torch.linalg.eigvals(matrix).abs().max().item()


@torch.no_grad()
def orthogonal_recurrent(network: nn.RNNBase, gain: float = 1.0) -> None:
    """Make each gate's recurrent matrix of each layer orthogonal, times `gain` (Saxe, McClelland & Ganguli 2014)."""
    for layer in range(network.num_layers):
        for block in getattr(network, f"weight_hh_l{layer}").split(network.hidden_size):  # (hidden_size, hidden_size)
            nn.init.orthogonal_(block, gain)


@torch.no_grad()
def set_forget_bias(lstm: nn.LSTM, value: float) -> None:
    """Set the forget bias of every layer (Gers, Schmidhuber & Cummins 2000).

    PyTorch keeps two biases and adds them, each packed as input, forget, candidate, output gate: one gets the value,
    the other one zero.

    Raises:
        ValueError: there are no biases, or two directions.
    """
    if not lstm.bias or lstm.bidirectional:
        raise ValueError("set_forget_bias takes an LSTM with bias=True and one direction")
    forget = slice(lstm.hidden_size, 2 * lstm.hidden_size)
    for layer in range(lstm.num_layers):
        getattr(lstm, f"bias_ih_l{layer}")[forget] = value
        getattr(lstm, f"bias_hh_l{layer}")[forget] = 0.0
