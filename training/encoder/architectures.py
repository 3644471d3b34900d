"""The networks that are trained: three ways from word pieces to logits of every head and an embedding.

* `Transformer`: BERT's encoder (Devlin et al., 2019), mean over tokens. Teachers, and the accurate student.
* `Convolution`: convolutions of widths 1-4 over the embedding, maxima and means (Kim, 2014). The cheapest.
* `Funnel`: a strided convolution halves the tokens, then a few narrow transformer layers (Dai et al., 2020). Between
the two.

Each takes ids and mask (int64 [texts, tokens]) and gives (logits [texts, outputs], embedding [texts, dimensions], not
yet of length one). ReLU instead of GELU in what is trained from scratch: it costs a tenth on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import BertConfig, BertModel

Pair = tuple[torch.Tensor, torch.Tensor]


class Heads(nn.Module):
    """Linear layers from a pooled state to logits and embedding."""

    def __init__(self, width: int, outputs: int, dimensions: int, drop: float = 0.1) -> None:
        super().__init__()
        self.drop = nn.Dropout(drop)
        self.logits = nn.Linear(width, outputs)
        self.embedding = nn.Linear(width, dimensions)

    def forward(self, pooled: torch.Tensor) -> Pair:
        pooled = pooled.unsqueeze(1)  # a product of three dimensions is exported as one that int8 kernels run
        return self.logits(self.drop(pooled)).squeeze(1), self.embedding(pooled).squeeze(1)


def mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


class Transformer(nn.Module):
    def __init__(self, config: BertConfig, outputs: int, dimensions: int) -> None:
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.heads = Heads(config.hidden_size, outputs, dimensions)

    def states(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Pair:
        return self.heads(mean(self.states(ids, mask), mask))


class Convolution(nn.Module):
    """A convolution of width k is k products with the token states, shifted and added: one matrix product for all."""

    WIDTHS = (1, 2, 3, 4)

    def __init__(self, pieces: int, hidden: int, filters: int, outputs: int, dimensions: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(pieces, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.drop = nn.Dropout(0.1)
        self.filters = filters
        each = filters * len(self.WIDTHS)
        self.products = nn.Linear(hidden, filters * sum(self.WIDTHS), bias=False)
        self.bias = nn.Parameter(torch.zeros(each))
        # maxima and means differ tenfold in size: an int8 scale for each
        self.largest = Heads(each, outputs, dimensions)
        self.average = Heads(each, outputs, dimensions)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Pair:
        weights = mask.unsqueeze(-1).float()
        states = self.drop(self.norm(self.word_embeddings(ids))) * weights
        products = self.products(states)
        found, at = [], 0
        for width in self.WIDTHS:
            total = products[:, :, at : at + self.filters]
            for shift in range(1, width):
                begin = at + shift * self.filters
                total = total + nn.functional.pad(products[:, shift:, begin : begin + self.filters], (0, 0, 0, shift))
            found.append(total)
            at += width * self.filters
        active = torch.relu(torch.cat(found, dim=-1) + self.bias) * weights
        first, second = self.largest(active.amax(dim=1)), self.average(active.sum(dim=1) / weights.sum(dim=1))
        return first[0] + second[0], first[1] + second[1]


class Layer(nn.Module):
    """A transformer layer, norms first (Xiong et al., 2020), with ReLU; written out so that it exports plainly."""

    def __init__(self, hidden: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(hidden)
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.between = nn.LayerNorm(hidden)
        self.rise = nn.Linear(hidden, inner)
        self.fall = nn.Linear(inner, hidden)
        self.drop = nn.Dropout(0.1)

    def forward(self, states: torch.Tensor, barrier: torch.Tensor) -> torch.Tensor:
        rows, tokens, hidden = states.shape
        query, key, value = self.qkv(self.before(states)).view(rows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(query, key.transpose(-1, -2)) * (hidden // self.heads) ** -0.5 + barrier
        mixed = torch.matmul(torch.softmax(scores, dim=-1), value).transpose(1, 2).reshape(rows, tokens, hidden)
        states = states + self.drop(self.out(mixed))
        return states + self.drop(self.fall(torch.relu(self.rise(self.between(states)))))


class Funnel(nn.Module):
    """Word pieces in pairs: position 2i sees pieces 2i-1 to 2i+2 through a convolution; then ``layers`` layers."""

    REACH = 4

    def __init__(
        self, pieces: int, width: int, hidden: int, heads: int, inner: int, layers: int, outputs: int, dimensions: int
    ) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(pieces, width)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(0.1)
        self.join = nn.Linear(self.REACH * width, hidden)
        self.places = nn.Parameter(torch.zeros(64, hidden))
        self.layers = nn.ModuleList(Layer(hidden, heads, inner) for _ in range(layers))
        self.last = nn.LayerNorm(hidden)
        self.largest = Heads(hidden, outputs, dimensions)
        self.average = Heads(hidden, outputs, dimensions)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Pair:
        states = self.drop(self.norm(self.word_embeddings(ids))) * mask.unsqueeze(-1).float()
        odd = nn.functional.pad(states, (0, 0, 1, 3))  # one before, enough after
        half = (ids.shape[1] + 1) // 2
        near = torch.cat([odd[:, k : k + 2 * half : 2] for k in range(self.REACH)], dim=-1)
        there = nn.functional.pad(mask, (0, 1))[:, : 2 * half : 2]  # a pair is there when its first piece is
        joined = torch.relu(self.join(near)) + self.places[:half]
        barrier = (1.0 - there[:, None, None, :].to(joined.dtype)) * -1e4
        for layer in self.layers:
            joined = layer(joined, barrier)
        joined = self.last(joined)
        weights = there.unsqueeze(-1).to(joined.dtype)
        largest = (joined - (1 - weights) * 1e4).amax(dim=1)
        first, second = self.largest(largest), self.average((joined * weights).sum(1) / weights.sum(1))
        return first[0] + second[0], first[1] + second[1]


def build(shape: dict[str, Any], outputs: int, dimensions: int) -> nn.Module:
    """The network that ``shape`` describes (as a checkpoint stores it): kind and its sizes."""
    sizes = {key: value for key, value in shape.items() if key != "kind"}
    if shape["kind"] == "transformer":
        return Transformer(BertConfig(**sizes), outputs, dimensions)
    return {"convolution": Convolution, "funnel": Funnel}[shape["kind"]](
        **sizes, outputs=outputs, dimensions=dimensions
    )
