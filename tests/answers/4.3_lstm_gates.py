# exercise: recurrent.lstm.cell-state
import math

import torch


def cell_trace(f, i, g, c0):
    c = c0  # (units,)
    cells = []
    for t in range(len(f)):
        c = f[t] * c + i[t] * g[t]  # keep a share of the old cell, add a share of the candidate
        cells.append(c)
    return torch.stack(cells)  # (time, units)


def half_life(f):
    # after n steps f ** n is left: f ** n = 1/2, so n * log(f) = log(1/2)
    return math.log(0.5) / math.log(f)


# exercise: recurrent.lstm.forget-gate
import math


def forget_bias_for(steps, keep):
    gate = keep ** (1 / steps)  # the gate multiplies once a step: gate ** steps = keep
    return math.log(gate / (1 - gate))  # the number whose sigmoid is the gate


# exercise: recurrent.lstm
import torch


def lstm_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    hx = torch.cat([h, x], dim=-1)  # (batch, hidden_size + input_size)

    f = torch.sigmoid(hx @ W_f.T + b_f)  # (batch, hidden_size): the share to keep
    i = torch.sigmoid(hx @ W_i.T + b_i)  # the share to write
    candidate = torch.tanh(hx @ W_C.T + b_C)  # what could be written
    o = torch.sigmoid(hx @ W_o.T + b_o)  # the share to show

    c = f * c + i * candidate
    h = o * torch.tanh(c)
    return h, c


# exercise: recurrent.lstm.input-gate
import torch


def latch_weights():
    # The columns of each row belong to h, the flag and the bit. A sum of +10 opens a gate, one of -10 shuts it.
    W_f, b_f = torch.tensor([[0.0, -20.0, 0.0]]), torch.tensor([10.0])  # flag 0: keep; flag 1: forget
    W_i, b_i = torch.tensor([[0.0, 20.0, 0.0]]), torch.tensor([-10.0])  # flag 0: shut; flag 1: write
    W_C, b_C = torch.tensor([[0.0, 0.0, 10.0]]), torch.tensor([0.0])  # the candidate is the bit
    W_o, b_o = torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([10.0])  # always shown
    return W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o


# exercise: recurrent.lstm.output-gate
import torch


def peephole_cell(x, h, c, W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o, p_o):
    hx = torch.cat([h, x], dim=-1)  # (batch, hidden_size + input_size)
    f = torch.sigmoid(hx @ W_f.T + b_f)
    i = torch.sigmoid(hx @ W_i.T + b_i)
    c = f * c + i * torch.tanh(hx @ W_C.T + b_C)  # the new cell, which the output gate may now see

    o = torch.sigmoid(hx @ W_o.T + b_o + p_o * c)
    return o * torch.tanh(c), c
