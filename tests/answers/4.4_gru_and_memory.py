# exercise: recurrent.gru.reset-gate
import torch


def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh, reset):
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=-1)  # (batch, hidden_size) each
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)  # the share of the past that the candidate sees
    z = torch.sigmoid(x_z + h_z)  # the share of the old state that is kept

    W_hn, b_hn = W_hh.chunk(3)[2], b_hh.chunk(3)[2]
    past = r * h_n if reset == "after" else (r * h) @ W_hn.T + b_hn
    n = torch.tanh(x_n + past)
    return (1 - z) * n + z * h


# exercise: recurrent.gru.update-gate
import torch


def flip_convention(W_ih, W_hh, b_ih, b_hh):
    def turn(packed):
        r, z, n = packed.chunk(3)  # rows of the reset gate, the update gate, the candidate
        return torch.cat([r, -z, n])  # sigmoid(-s) = 1 - sigmoid(s)

    return turn(W_ih), turn(W_hh), turn(b_ih), turn(b_hh)


# exercise: recurrent.long-term
import torch


def prepare_lstm(lstm, forget_bias):
    size = lstm.hidden_size
    forget = slice(size, 2 * size)  # PyTorch packs i, f, g, o
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            for block in getattr(lstm, f"weight_hh_l{layer}").split(size):  # (hidden_size, hidden_size) each
                torch.nn.init.orthogonal_(block)
            getattr(lstm, f"bias_ih_l{layer}")[forget] = forget_bias  # PyTorch adds the two biases
            getattr(lstm, f"bias_hh_l{layer}")[forget] = 0.0
    return lstm


# exercise: recurrent.lstm.stacked
import torch


def stack(cells, xs, states):
    states = list(states)
    outputs = []
    for x in xs:  # (batch, input_size)
        for layer, cell in enumerate(cells):
            states[layer] = cell(x, states[layer])  # h and c, (batch, hidden_size) each
            x = states[layer][0]  # what this layer shows is what the next one reads
        outputs.append(x)
    return torch.stack(outputs), states  # (time, batch, hidden_size)


# exercise: recurrent.lstm.training-pipeline
def tune(configs, X, y, fit, loss):
    first, second = len(X) * 60 // 100, len(X) * 80 // 100  # rows are in order of time, and stay so
    X_train, X_val, X_test = X[:first], X[first:second], X[second:]
    y_train, y_val, y_test = y[:first], y[first:second], y[second:]

    models = [fit(config, X_train, y_train) for config in configs]
    validation = [loss(model, X_val, y_val) for model in models]
    best = validation.index(min(validation))
    return configs[best], loss(models[best], X_test, y_test)  # the only look at the test rows
