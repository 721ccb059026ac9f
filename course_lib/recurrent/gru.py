"""The gated recurrent unit, written to be read and to be looked into."""

from torch import Tensor, nn

from course_lib.recurrent.layers import Layers, fill

GRU_GATES = ("reset", "update")
RESETS = ("after", "before")  # where the reset gate acts: after the candidate's matrix, or before it


class GRUCell(nn.Module):
    """One step of the gated recurrent unit (Cho et al. 2014).

    The update gate is the share of the old state that is kept, as in PyTorch and in the textbook; many papers give it
    the opposite meaning.

    Args:
        input_size: features of one input vector.
        hidden_size: units of the hidden state.
        reset: "after" scales what the matrix makes of the old state, as PyTorch does; "before" scales the old state
            and then applies the matrix, as the paper and the textbook do.
    """

    def __init__(self, input_size: int, hidden_size: int, reset: str = "after"):
        super().__init__()
        if reset not in RESETS:
            raise ValueError(f"reset is one of {', '.join(RESETS)}, not {reset!r}")
        self.reset_before = reset == "before"
        self.of_input = nn.Linear(input_size, 3 * hidden_size)  # packed r, z, n
        self.of_hidden = nn.Linear(hidden_size, 3 * hidden_size)
        self.reset, self.update = nn.Identity(), nn.Identity()  # taps: seen and clamped here
        self.candidate, self.hidden = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Advance one step.

        Args:
            x: (batch, input_size)
            h: (batch, hidden_size)

        Returns:
            the next hidden state, (batch, hidden_size)
        """
        x_r, x_z, x_n = self.of_input(x).chunk(3, dim=-1)  # (batch, hidden_size) each
        h_r, h_z, h_n = self.of_hidden(h).chunk(3, dim=-1)
        r, z = self.reset((x_r + h_r).sigmoid()), self.update((x_z + h_z).sigmoid())
        past = self._past(r * h) if self.reset_before else r * h_n
        n = self.candidate((x_n + past).tanh())
        return self.hidden(z * h + (1 - z) * n)  # keep a share, replace the rest

    def _past(self, h: Tensor) -> Tensor:
        """What the candidate's rows make of a state, (batch, hidden_size)."""
        size = self.of_hidden.in_features
        return h @ self.of_hidden.weight[2 * size :].T + self.of_hidden.bias[2 * size :]

    def start(self, x: Tensor) -> Tensor:
        """The state before the first step: zeros, (batch, hidden_size)."""
        return x.new_zeros(len(x), self.of_hidden.in_features)

    def take(self, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> None:
        """Take PyTorch's weights over: it packs them in the same order, r, z, n."""
        for linear, weight, bias in ((self.of_input, weight_ih, bias_ih), (self.of_hidden, weight_hh, bias_hh)):
            fill(linear.weight, weight)
            fill(linear.bias, bias)


class GRU(Layers):
    """Layers of `GRUCell`; takes `reset=` as well."""

    cell = GRUCell

    def with_reset(self, reset: str) -> "GRU":
        """A copy with the same weights whose reset gate acts "before" or "after" the candidate's matrix."""
        first = self.layers[0]
        other = GRU(first.of_input.in_features, first.of_hidden.in_features, len(self.layers), reset=reset)
        other.load_state_dict(self.state_dict())
        return other
