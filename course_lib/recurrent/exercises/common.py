"""What exercises of several sections share: PyTorch's cells, built from weights that travel as data."""

from torch import Tensor, nn

CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}

Weights = tuple[Tensor, Tensor, Tensor, Tensor]  # W_ih, W_hh, b_ih, b_hh, packed as PyTorch packs them


def build_cell(kind: str, weights: Weights) -> nn.RNNCellBase:
    """PyTorch's cell with these weights."""
    W_ih, W_hh, *_ = weights
    cell = CELLS[kind](W_ih.shape[1], W_hh.shape[1])
    cell.load_state_dict(dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True)))
    return cell
