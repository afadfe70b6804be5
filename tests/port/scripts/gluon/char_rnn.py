"""Characters one by one: a recurrent layer whose state goes on, and text that it continues."""

import math

from mxnet import autograd, gluon, init, nd
from mxnet.gluon import loss as gloss
from mxnet.gluon import nn
from mxnet.gluon.rnn import RNN

text = "time traveller for so it will be convenient to speak of him " * 2
idx_to_char = sorted(set(text))
char_to_idx = {char: i for i, char in enumerate(idx_to_char)}
corpus_indices = [char_to_idx[char] for char in text]
vocab_size = len(idx_to_char)


class RNNModel(nn.Block):
    def __init__(self, rnn_layer, vocab_size, **kwargs):
        super(RNNModel, self).__init__(**kwargs)
        self.rnn = rnn_layer
        self.vocab_size = vocab_size
        self.dense = nn.Dense(vocab_size)

    def forward(self, inputs, state):
        # (batch, steps) -> (steps, batch, vocab_size)
        X = nd.one_hot(inputs.T, self.vocab_size)
        Y, state = self.rnn(X, state)
        output = self.dense(Y.reshape((-1, Y.shape[-1])))
        return output, state

    def begin_state(self, *args, **kwargs):
        return self.rnn.begin_state(*args, **kwargs)


def data_iter_consecutive(indices, batch_size, num_steps):
    indices = nd.array(indices)
    batch_len = len(indices) // batch_size
    indices = indices[0 : batch_size * batch_len].reshape((batch_size, batch_len))
    for i in range((batch_len - 1) // num_steps):
        i = i * num_steps
        X = indices[:, i : i + num_steps]
        Y = indices[:, i + 1 : i + num_steps + 1]
        yield X, Y


def predict_rnn(prefix, num_chars, model):
    state = model.begin_state(batch_size=1)
    output = [char_to_idx[prefix[0]]]
    for t in range(num_chars + len(prefix) - 1):
        X = nd.array([output[-1]]).reshape((1, 1))
        Y, state = model(X, state)
        if t < len(prefix) - 1:
            output.append(char_to_idx[prefix[t + 1]])
        else:
            output.append(int(Y.argmax(axis=1).asscalar()))
    return "".join([idx_to_char[i] for i in output])


model = RNNModel(RNN(16, activation="tanh"), vocab_size)
model.initialize(init=init.Normal(0.01))
trainer = gluon.Trainer(
    model.collect_params(), "sgd", {"learning_rate": 0.5, "momentum": 0.5, "wd": 0}
)
loss = gloss.SoftmaxCrossEntropyLoss()
for epoch in range(3):
    l_sum, n = 0.0, 0
    state = model.begin_state(batch_size=4)
    for X, Y in data_iter_consecutive(corpus_indices, 4, 7):
        state = [s.detach() for s in state]
        with autograd.record():
            (output, state) = model(X, state)
            y = Y.T.reshape((-1,))
            l = loss(output, y).mean()
        l.backward()
        gluon.utils.clip_global_norm([p.grad() for p in model.collect_params().values()], 0.8)
        trainer.step(1)
        l_sum += l.asscalar() * y.size
        n += y.size
    print("epoch %d, perplexity %.5f" % (epoch + 1, math.exp(l_sum / n)))
print("-", repr(predict_rnn("time", 8, model)))
