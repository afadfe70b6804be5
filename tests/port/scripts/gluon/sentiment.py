"""Sentiment of reviews: a bidirectional LSTM of two layers, its first and its last outputs."""

import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import data as gdata
from mxnet.gluon import loss as gloss
from mxnet.gluon import nn, rnn


class BiRNN(nn.Block):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, **kwargs):
        super(BiRNN, self).__init__(**kwargs)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.encoder = rnn.LSTM(
            num_hiddens, num_layers=num_layers, bidirectional=True, input_size=embed_size
        )
        self.decoder = nn.Dense(2)

    def forward(self, inputs):
        # (batch, words) -> (words, batch, embed_size)
        embeddings = self.embedding(inputs.T)
        outputs = self.encoder(embeddings)
        # of the first and the last word
        encoding = nd.concat(outputs[0], outputs[-1])
        return self.decoder(encoding)


rng = np.random.RandomState(21)
reviews = nd.array(rng.randint(0, 15, size=(24, 7)))
labels = nd.array(reviews.asnumpy()[:, 0] > reviews.asnumpy()[:, -1])
train_iter = gdata.DataLoader(gdata.ArrayDataset(reviews, labels), batch_size=8)

net = BiRNN(15, 6, 5, 2)
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss = gloss.SoftmaxCrossEntropyLoss()
for epoch in range(3):
    train_l_sum, train_acc_sum, n = 0.0, 0.0, 0
    for X, y in train_iter:
        with autograd.record():
            y_hat = net(X)
            l = loss(y_hat, y)
        l.backward()
        trainer.step(X.shape[0])
        train_l_sum += l.sum().asscalar()
        train_acc_sum += (y_hat.argmax(axis=1) == y).sum().asscalar()
        n += y.size
    print("epoch %d, loss %.6f, train acc %.3f" % (epoch + 1, train_l_sum / n, train_acc_sum / n))
