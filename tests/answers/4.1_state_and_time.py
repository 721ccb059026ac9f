# exercise: recurrent.sequential-problem
import torch


def make_windows(series, k, horizon):
    first = k - 1 + horizon  # where the first target stands: `horizon` steps after place k - 1
    y = series[first:]  # (windows,)
    X = torch.stack([series[i : i + k] for i in range(len(y))])  # (windows, k)
    return X, y


def split_in_time(X, y, test):
    cut = len(X) - test
    return X[:cut], y[:cut], X[cut:], y[cut:]


# exercise: recurrent.rnn
import torch


def rnn_forward(xs, h0, W_xh, W_hh, W_hy, f, g):
    h = h0  # (batch, hidden_size)
    hs, ys = [], []
    for t in range(xs.shape[1]):
        h = f(xs[:, t] @ W_xh.T + h @ W_hh.T)  # the same weights at every step
        hs.append(h)
        ys.append(g(h @ W_hy.T))
    return torch.stack(hs, dim=1), torch.stack(ys, dim=1)  # (batch, time, hidden_size), (batch, time, output_size)


# exercise: recurrent.sentiment
import torch


def last_states(outputs, lengths):
    rows = torch.arange(len(outputs))
    return outputs[rows, lengths - 1]  # row 0 at its own end, row 1 at its own: (batch, hidden_size)


# exercise: recurrent.bptt
import torch


def bptt(xs, targets, W_xh, W_hh, W_hy):
    hs = [torch.zeros(len(W_hh))]  # h_0, h_1, …, (hidden_size,) each
    for x in xs:
        hs.append(torch.tanh(W_xh @ x + W_hh @ hs[-1]))

    dW_xh, dW_hh, dW_hy = torch.zeros_like(W_xh), torch.zeros_like(W_hh), torch.zeros_like(W_hy)
    from_next = torch.zeros(len(W_hh))  # nothing comes after the last step
    for t in reversed(range(len(xs))):
        x, before, h = xs[t], hs[t], hs[t + 1]
        dy = W_hy @ h - targets[t]  # (output_size,)
        dh = W_hy.T @ dy + from_next  # through this step's output, and through the next state
        da = (1 - h**2) * dh  # through the tanh
        dW_hy += torch.outer(dy, h)
        dW_xh += torch.outer(da, x)
        dW_hh += torch.outer(da, before)
        from_next = W_hh.T @ da
    return dW_xh, dW_hh, dW_hy
