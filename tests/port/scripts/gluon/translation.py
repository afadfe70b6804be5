"""From sequence to sequence: the states of an encoder are where the decoder begins."""

import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn


class Encoder(nn.Block):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, drop_prob=0, **kwargs):
        super(Encoder, self).__init__(**kwargs)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = rnn.GRU(num_hiddens, num_layers, dropout=drop_prob)

    def forward(self, inputs, state):
        # (batch, steps) -> (steps, batch, embed_size)
        embedding = self.embedding(inputs).swapaxes(0, 1)
        return self.rnn(embedding, state)

    def begin_state(self, *args, **kwargs):
        return self.rnn.begin_state(*args, **kwargs)


class Decoder(nn.Block):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, drop_prob=0, **kwargs):
        super(Decoder, self).__init__(**kwargs)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = rnn.GRU(num_hiddens, num_layers, dropout=drop_prob)
        self.out = nn.Dense(vocab_size, flatten=False)

    def forward(self, inputs, state):
        embedding = self.embedding(inputs).swapaxes(0, 1)
        outputs, state = self.rnn(embedding, state)
        return self.out(outputs).swapaxes(0, 1), state


class Translation(nn.Block):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder

    def forward(self, source, target):
        begin = self.encoder.begin_state(batch_size=source.shape[0])
        _, state = self.encoder(source, begin)
        scores, _ = self.decoder(target, state)
        return scores


rng = np.random.RandomState(25)
source = nd.array(rng.randint(1, 10, size=(6, 5)))
target = nd.array(np.concatenate([np.zeros((6, 1)), source.asnumpy()[:, :0:-1]], axis=1))
model = Translation(Encoder(10, 6, 8, 2), Decoder(10, 6, 8, 2))
model.initialize(init.Xavier())
trainer = gluon.Trainer(
    model.collect_params(), "sgd", {"learning_rate": 2.0, "clip_gradient": 0.01}
)
loss = gluon.loss.SoftmaxCrossEntropyLoss()
for epoch in range(4):
    with autograd.record():
        l = loss(model(source, target[:, :-1]), target[:, 1:])
    l.backward()
    trainer.step(6)
    print("epoch %d, loss %.6f" % (epoch + 1, l.mean().asscalar()))
