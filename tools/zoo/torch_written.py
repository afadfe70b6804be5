"""Networks that users write themselves, in torch: as tutorials have them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from tools.zoo.rows import Case, image, tokens

TITLE = "written in torch"
ABOUT = "Networks of the kinds that users write, in the manner of torch's tutorials."
FRAMEWORK = "torch"


class Double(nn.Sequential):
    def __init__(self, before, after):
        super().__init__(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after),
            nn.ReLU(inplace=True), nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after), nn.ReLU(inplace=True),
        )  # fmt: skip


class UNet(nn.Module):
    def __init__(self, transposed):
        super().__init__()
        self.down1, self.down2, self.bottom = Double(3, 8), Double(8, 16), Double(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.transposed = transposed
        if transposed:
            self.up2, self.up1 = nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)
        else:
            self.up2, self.up1 = nn.Conv2d(32, 16, 1), nn.Conv2d(16, 8, 1)
        self.join2, self.join1, self.head = Double(32, 16), Double(16, 8), nn.Conv2d(8, 4, 1)

    def rise(self, x, up, beside):
        if not self.transposed:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = up(x)
        across, along = beside.size(3) - x.size(3), beside.size(2) - x.size(2)
        x = F.pad(x, [across // 2, across - across // 2, along // 2, along - along // 2])
        return torch.cat([beside, x], dim=1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(self.pool(a))
        x = self.bottom(self.pool(b))
        x = self.join2(self.rise(x, self.up2, b))
        return self.head(self.join1(self.rise(x, self.up1, a)))


class SSD(nn.Module):
    """Boxes and classes at two sizes."""

    def __init__(self, classes=5, boxes=3):
        super().__init__()
        self.classes = classes
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        )  # fmt: skip
        self.more = nn.Sequential(nn.Conv2d(32, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.places = nn.ModuleList(nn.Conv2d(32, boxes * 4, 3, padding=1) for _ in range(2))
        self.scores = nn.ModuleList(nn.Conv2d(32, boxes * classes, 3, padding=1) for _ in range(2))

    def forward(self, x):
        maps = [self.body(x)]
        maps.append(self.more(maps[0]))
        places, scores = [], []
        for each, place, score in zip(maps, self.places, self.scores, strict=True):
            places.append(place(each).permute(0, 2, 3, 1).contiguous().view(x.size(0), -1, 4))
            scores.append(
                score(each).permute(0, 2, 3, 1).contiguous().view(x.size(0), -1, self.classes)
            )
        return torch.cat(places, dim=1), torch.cat(scores, dim=1)


class YOLO(nn.Module):
    """One head: centers, sizes and scores, decoded with a grid and anchors."""

    def __init__(self, classes=4):
        super().__init__()
        self.classes = classes
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.1),
            nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.1),
            nn.Conv2d(32, 3 * (5 + classes), 1),
        )  # fmt: skip
        self.register_buffer("anchors", torch.tensor([[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]]))

    def forward(self, x):
        y = self.body(x)
        n, _, h, w = y.shape
        y = y.view(n, 3, 5 + self.classes, h, w).permute(0, 1, 3, 4, 2).contiguous()
        rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        grid = torch.stack((columns, rows), 2).view(1, 1, h, w, 2).to(y.dtype)
        centers = (torch.sigmoid(y[..., :2]) * 2 - 0.5 + grid) * 4
        sizes = (torch.sigmoid(y[..., 2:4]) * 2) ** 2 * self.anchors.view(1, 3, 1, 1, 2)
        scores = torch.sigmoid(y[..., 4:])
        return torch.cat((centers, sizes, scores), -1).view(n, -1, 5 + self.classes)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(64, 32)
        self.mean, self.variance = nn.Linear(32, 8), nn.Linear(32, 8)
        self.decoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())

    def draw(self, mean, logarithm):
        if not self.training:
            return mean
        spread = torch.exp(0.5 * logarithm)
        return mean + torch.randn_like(spread) * spread

    def forward(self, x):
        h = F.relu(self.encoder(x))
        mean, logarithm = self.mean(h), self.variance(h)
        return self.decoder(self.draw(mean, logarithm)), mean, logarithm


class Words(nn.Module):
    """A language model with LSTMs, its tables tied or not."""

    def __init__(self, kind, tied):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(40, 16)
        self.rnn = getattr(nn, kind)(16, 16, 2, dropout=0.2)
        self.decoder = nn.Linear(16, 40)
        if tied:
            self.decoder.weight = self.encoder.weight

    def forward(self, words):
        embedded = self.drop(self.encoder(words))
        output, _ = self.rnn(embedded)
        return F.log_softmax(self.decoder(self.drop(output)), dim=-1)


class Positions(nn.Module):
    def __init__(self, width, length=50):
        super().__init__()
        at = torch.arange(length).unsqueeze(1)
        rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        table = torch.zeros(length, width)
        table[:, 0::2], table[:, 1::2] = torch.sin(at * rates), torch.cos(at * rates)
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table[: x.size(1)]


class NextWord(nn.Module):
    """An encoder of torch's with a causal mask."""

    def __init__(self):
        super().__init__()
        self.table, self.positions = nn.Embedding(40, 16), Positions(16)
        layer = nn.TransformerEncoderLayer(16, 2, 24, 0.1, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 40)

    def forward(self, words):
        mask = nn.Transformer.generate_square_subsequent_mask(words.size(1))
        x = self.positions(self.table(words) * math.sqrt(16))
        return self.head(self.encoder(x, mask=mask, is_causal=True))


class Translator(nn.Module):
    """torch.nn.Transformer, with its masks."""

    def __init__(self):
        super().__init__()
        self.table, self.positions = nn.Embedding(40, 16), Positions(16)
        self.transformer = nn.Transformer(16, 2, 2, 2, 24, 0.1, batch_first=True)
        self.head = nn.Linear(16, 40)

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.size(1))
        a, b = (self.positions(self.table(x)) for x in (source, target))
        return self.head(self.transformer(a, b, tgt_mask=mask, tgt_is_causal=True))


class Block(nn.Module):
    def __init__(self, width, heads, length):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.register_buffer(
            "mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length)
        )

    def attend(self, x):
        n, t, c = x.size()
        q, k, v = self.qkv(x).split(c, dim=2)
        q, k, v = (y.view(n, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        y = F.softmax(scores, dim=-1) @ v
        return self.out(y.transpose(1, 2).contiguous().view(n, t, c))

    def forward(self, x):
        x = x + self.attend(self.first(x))
        return x + self.mlp(self.second(x))


class SmallGPT(nn.Module):
    """Attention by hand, as in many repositories."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(40, 16), nn.Embedding(12, 16)
        self.blocks = nn.Sequential(*(Block(16, 2, 12) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 40, bias=False)
        self.head.weight = self.words.weight

    def forward(self, words):
        places = torch.arange(words.size(1), device=words.device)
        return self.head(self.norm(self.blocks(self.words(words) + self.places(places))))


class Tagger(nn.Module):
    """Starts from states of its own."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(40, 16)
        self.lstm = nn.LSTM(16, 12, batch_first=True, bidirectional=True)
        self.head = nn.Linear(24, 5)

    def forward(self, words):
        h = torch.zeros(2, words.size(0), 12)
        y, _ = self.lstm(self.table(words), (h, h.clone()))
        return self.head(y)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.ConvTranspose2d(10, 32, 4, 1, 0, bias=False), nn.BatchNorm2d(32), nn.ReLU(True),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
            nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z):
        return self.body(z)


def _features(count=64, rows=2):
    import numpy as np

    return (np.random.default_rng(0).normal(size=(rows, count)).astype("float32"),)


_MODELS = {
    "U-Net, transposed convolutions": (lambda: UNet(True), lambda: image(32)),
    "U-Net, bilinear": (lambda: UNet(False), lambda: image(32)),
    "SSD heads": (SSD, lambda: image(32)),
    "YOLO head": (YOLO, lambda: image(32)),
    "VAE": (VAE, _features),
    "VAE, in training": (lambda: VAE().train(), _features),
    "DCGAN generator": (Generator, lambda: (_features(10)[0][:, :, None, None],)),
    "LSTM language model": (lambda: Words("LSTM", False), lambda: (tokens(40, 2, 7),)),
    "LSTM language model, tied": (lambda: Words("LSTM", True), lambda: (tokens(40, 2, 7),)),
    "GRU language model": (lambda: Words("GRU", False), lambda: (tokens(40, 2, 7),)),
    "tagger with initial states": (Tagger, lambda: (tokens(40, 6),)),
    "nn.TransformerEncoder, causal": (NextWord, lambda: (tokens(40, 6),)),
    "nn.Transformer": (Translator, lambda: (tokens(40, 6), tokens(40, 5))),
    "GPT by hand": (SmallGPT, lambda: (tokens(40, 6),)),
}


def names():
    return list(_MODELS)


def make(name):
    torch.manual_seed(0)
    build, examples = _MODELS[name]
    model = build()
    return Case(model if "training" in name else model.eval(), examples())
