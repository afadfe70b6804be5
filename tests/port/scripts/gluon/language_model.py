"""A word language model: states carried from batch to batch, and gradients clipped."""

import math

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn

context = mx.cpu()
bptt, batch_size, clip = 5, 4, 0.2


class RNNModel(gluon.Block):
    """A model with an encoder, recurrent layer, and a decoder."""

    def __init__(
        self,
        mode,
        vocab_size,
        num_embed,
        num_hidden,
        num_layers,
        dropout=0.0,
        tie_weights=False,
        **kwargs,
    ):
        super(RNNModel, self).__init__(**kwargs)
        with self.name_scope():
            self.drop = nn.Dropout(dropout)
            self.encoder = nn.Embedding(
                vocab_size, num_embed, weight_initializer=mx.init.Uniform(0.1)
            )
            if mode == "rnn_relu":
                self.rnn = rnn.RNN(
                    num_hidden, num_layers, activation="relu", dropout=dropout, input_size=num_embed
                )
            elif mode == "lstm":
                self.rnn = rnn.LSTM(num_hidden, num_layers, dropout=dropout, input_size=num_embed)
            elif mode == "gru":
                self.rnn = rnn.GRU(num_hidden, num_layers, dropout=dropout, input_size=num_embed)
            else:
                raise ValueError("Invalid mode %s" % mode)
            if tie_weights:
                self.decoder = nn.Dense(vocab_size, in_units=num_hidden, params=self.encoder.params)
            else:
                self.decoder = nn.Dense(vocab_size, in_units=num_hidden)
            self.num_hidden = num_hidden

    def forward(self, inputs, hidden):
        emb = self.drop(self.encoder(inputs))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        decoded = self.decoder(output.reshape((-1, self.num_hidden)))
        return decoded, hidden

    def begin_state(self, *args, **kwargs):
        return self.rnn.begin_state(*args, **kwargs)


def batchify(data, batch_size):
    """Reshape data into (num_example, batch_size)"""
    nbatch = data.shape[0] // batch_size
    data = data[: nbatch * batch_size]
    data = data.reshape((batch_size, nbatch)).T
    return data


def get_batch(source, i):
    seq_len = min(bptt, source.shape[0] - 1 - i)
    data = source[i : i + seq_len]
    target = source[i + 1 : i + 1 + seq_len]
    return data, target.reshape((-1,))


def detach(hidden):
    if isinstance(hidden, (tuple, list)):
        hidden = [i.detach() for i in hidden]
    else:
        hidden = hidden.detach()
    return hidden


rng = np.random.RandomState(20)
words = rng.randint(0, 9, 124)
words[1::2] = (words[::2] * 2 + 1) % 9  # something to learn
train_data = batchify(mx.nd.array(words[:100]), batch_size)
val_data = batchify(mx.nd.array(words[100:]), batch_size)

model = RNNModel("lstm", 9, 8, 8, 2, tie_weights=True)
model.collect_params().initialize(mx.init.Xavier(), ctx=context)
trainer = gluon.Trainer(
    model.collect_params(), "sgd", {"learning_rate": 1.0, "momentum": 0, "wd": 0}
)
loss = gluon.loss.SoftmaxCrossEntropyLoss()


def evaluate(data_source):
    total_L = 0.0
    ntotal = 0
    hidden = model.begin_state(func=mx.nd.zeros, batch_size=batch_size, ctx=context)
    for i in range(0, data_source.shape[0] - 1, bptt):
        data, target = get_batch(data_source, i)
        output, hidden = model(data, hidden)
        L = loss(output, target)
        total_L += mx.nd.sum(L).asscalar()
        ntotal += L.size
    return total_L / ntotal


def train():
    for epoch in range(3):
        total_L = 0.0
        hidden = model.begin_state(func=mx.nd.zeros, batch_size=batch_size, ctx=context)
        for ibatch, i in enumerate(range(0, train_data.shape[0] - 1, bptt)):
            data, target = get_batch(train_data, i)
            hidden = detach(hidden)
            with autograd.record():
                output, hidden = model(data, hidden)
                L = loss(output, target)
                L.backward()

            grads = [i.grad(context) for i in model.collect_params().values()]
            # Here gradient is for the whole batch.
            # So we multiply max_norm by batch_size and bptt size to balance it.
            gluon.utils.clip_global_norm(grads, clip * bptt * batch_size)

            trainer.step(batch_size)
            total_L += mx.nd.sum(L).asscalar()

            if ibatch % 2 == 0 and ibatch > 0:
                cur_L = total_L / bptt / batch_size / 2
                print(
                    "[Epoch %d Batch %d] loss %.5f, perplexity %.5f"
                    % (epoch + 1, ibatch, cur_L, math.exp(cur_L))
                )
                total_L = 0.0
        val_L = evaluate(val_data)
        trainer.set_learning_rate(1.0 / (epoch + 2))  # anneal
        print("[Epoch %d] valid loss %.5f, perplexity %.5f" % (epoch + 1, val_L, math.exp(val_L)))


train()
