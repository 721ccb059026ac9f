"""The foundations' room: perceptrons, activations, backpropagation, gradient descent, what lets deep networks train."""
