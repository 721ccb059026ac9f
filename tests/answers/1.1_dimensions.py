# exercise: tensors.dimensions
import torch


def describe(t):
    names = {0: "scalar", 1: "vector", 2: "matrix"}
    return t.ndim, tuple(t.shape), t.numel(), names.get(t.ndim, "tensor")


def stack_up(x, sizes):
    for size in sizes:
        x = torch.stack([x] * size)  # the new axis stands in front
    return x


# exercise: tensors.framework
import torch


def bridge(a):
    return torch.from_numpy(a), torch.tensor(a)  # both refuse a negative stride with a ValueError
