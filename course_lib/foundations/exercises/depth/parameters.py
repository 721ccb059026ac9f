"""Count what a dense layer learns of a picture, and what a convolution does."""

from torch import nn

from course_lib.exercises import Case, exercise, mistake, part


def dense_count(side: int, channels: int, hidden: int) -> int:
    """The parameters of PyTorch's own dense layer."""
    return _size(nn.Linear(channels * side**2, hidden, device="meta"))


def conv_count(c_in: int, c_out: int, k: int) -> int:
    """The parameters of PyTorch's own convolution."""
    return _size(nn.Conv2d(c_in, c_out, k, device="meta"))


def _size(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())


@exercise(
    "foundations.shallow-limits",
    "dense_params(side, channels, hidden) -> count",
    "conv_params(c_in, c_out, k) -> count",
    level="core",
    minutes=4,
)
def parameters(rng):
    """Count the parameters of a dense layer over a picture, and of a convolution."""

    def case(call: str, inputs: tuple[int, ...], because: str, shown: str | None = None) -> Case:
        expected = {"dense_params": dense_count, "conv_params": conv_count}[call](*inputs)
        return Case(inputs, call=call, expected=expected, shown=shown, because=because, rtol=0, atol=0)

    def drawn(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    dense = "a unit has a weight for every number of the picture, in every channel, and a bias"
    conv = "an output channel has a kernel for every input channel, and one bias; the picture's size is not asked for"
    with part("dense, by hand", points=1):
        for inputs in ((1, 1, 1), (2, 1, 3), (2, 3, 1), (28, 1, 100)):
            yield case("dense_params", inputs, dense)
    with part("dense, any size", points=1):
        for low, high in ((5, 20), (20, 60), (60, 300)):
            inputs = (drawn(low, high), drawn(2, 5), drawn(10, 500))
            yield case("dense_params", inputs, dense, f"a side between {low} and {high - 1}, several channels")
    with part("convolution, by hand", points=1):
        for inputs in ((1, 1, 1), (1, 1, 3), (1, 4, 3), (3, 2, 5)):
            yield case("conv_params", inputs, conv)
    with part("convolution, any size", points=1):
        for k in (2, 3, 7):
            yield case("conv_params", (drawn(3, 60), drawn(70, 200), k), conv, f"random channels, k={k}")


def wrong_dense(name: str, *, ask: str, look: str):
    """Declare a mistake of `dense_params`."""
    return mistake(parameters, name, call="dense_params", ask=ask, look=look)


def wrong_conv(name: str, *, ask: str, look: str):
    """Declare a mistake of `conv_params`."""
    return mistake(parameters, name, call="conv_params", ask=ask, look=look)


@wrong_dense(
    "a dense layer without biases",
    ask="One pixel, one unit: which two numbers has nn.Linear(1, 1)?",
    look="the sum: a unit has a bias beside its weights.",
)
def _(side, channels, hidden):
    return channels * side**2 * hidden


@wrong_dense(
    "a dense layer that sees one channel",
    ask="A pixel in colour has three numbers. How many weights does a unit need for it?",
    look="the number of inputs: the channels multiply it.",
)
def _(side, channels, hidden):
    return (side**2 + 1) * hidden


@wrong_dense(
    "a picture with as many pixels as its side is long",
    ask="A picture with a side of 2: how many pixels has it?",
    look="the number of inputs: a side is a length, and a picture an area.",
)
def _(side, channels, hidden):
    return (channels * side + 1) * hidden


@wrong_dense(
    "one bias for the whole layer",
    ask="Three units: how many biases has nn.Linear(4, 3)?",
    look="what you add for the bias: every unit has its own.",
)
def _(side, channels, hidden):
    return channels * side**2 * hidden + 1


@wrong_dense(
    "a bias for every number of the picture",
    ask="To what is a bias added: to a pixel, or to a unit's sum?",
    look="what you add for the bias: every unit has one.",
)
def _(side, channels, hidden):
    return channels * side**2 * (hidden + 1)


@wrong_dense(
    "a dense layer whose biases are counted once for each channel",
    ask="A unit over three channels adds up all of their products. How many sums are these?",
    look="the brackets: the channels multiply the weights, not the bias.",
)
def _(side, channels, hidden):
    return channels * (side**2 + 1) * hidden


@wrong_conv(
    "a convolution without biases",
    ask="One channel in, one out, k = 1: which two numbers has nn.Conv2d(1, 1, 1)?",
    look="the sum: an output channel has a bias beside its kernels.",
)
def _(c_in, c_out, k):
    return c_in * c_out * k**2


for side in (8, 28, 32):

    @wrong_conv(
        "a convolution that has weights of its own at every place of the picture",
        ask="The same layer runs over a picture of twice the side. Which of its weights are new?",
        look="the size of a picture in your count: the kernel is shared by all places.",
    )
    def _(c_in, c_out, k, side=side):
        return (c_in * k**2 + 1) * c_out * side**2


@wrong_conv(
    "a convolution with a bias for every place of the picture",
    ask="nn.Conv2d(1, 4, 3).bias: which shape has it, and was it told how large the picture is?",
    look="what you add for the bias: every output channel has one, at all places the same.",
)
def _(c_in, c_out, k):
    return c_in * c_out * k**2 + c_out * 28**2


@wrong_conv(
    "a convolution with one kernel for all of its input channels",
    ask="An output channel looks at red, green and blue. Are their weights the same?",
    look="c_in: a kernel has a slice for every input channel.",
)
def _(c_in, c_out, k):
    return (k**2 + 1) * c_out


@wrong_conv(
    "a convolution with one output channel",
    ask="What do four output channels have in common: the kernels?",
    look="c_out: each of them has kernels and a bias of its own.",
)
def _(c_in, c_out, k):
    return c_in * k**2 + 1


@wrong_conv(
    "a kernel with as many numbers as it is wide",
    ask="A 3 × 3 kernel: how many numbers has it?",
    look="k: it is the kernel's side.",
)
def _(c_in, c_out, k):
    return (c_in * k + 1) * c_out


@wrong_conv(
    "one bias for the whole convolution",
    ask="Four output channels: how many biases has nn.Conv2d(1, 4, 3)?",
    look="what you add for the bias: every output channel has its own.",
)
def _(c_in, c_out, k):
    return c_in * c_out * k**2 + 1


@wrong_conv(
    "a bias for every input channel",
    ask="Four output channels: how many biases has nn.Conv2d(1, 4, 3)?",
    look="what you add for the bias: it belongs to what comes out.",
)
def _(c_in, c_out, k):
    return c_in * c_out * k**2 + c_in


@wrong_conv(
    "a bias for every kernel",
    ask="What the kernels of an output channel give is added up. How many biases does the sum need?",
    look="the brackets: one bias for each output channel, however many kernels it has.",
)
def _(c_in, c_out, k):
    return c_in * c_out * (k**2 + 1)
