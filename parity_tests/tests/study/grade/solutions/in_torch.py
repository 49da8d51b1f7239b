"""A learner's transformer in PyTorch, from the attention up: what `grade` is tried on."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return weights @ v


class Head(nn.Module):
    def __init__(self, d_model, d_head, dropout=0.0):
        super().__init__()
        self.to_q = nn.Linear(d_model, d_head)
        self.to_k = nn.Linear(d_model, d_head)
        self.to_v = nn.Linear(d_model, d_head)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = self.drop(torch.softmax(scores, dim=-1))
        return weights @ v


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, dropout=0.0):
        super().__init__()
        self.n_heads = n_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)
        self.drop = nn.Dropout(dropout)

    def split(self, x):
        b, n, d = x.shape
        return x.view(b, n, self.n_heads, d // self.n_heads).transpose(1, 2)

    def forward(self, x, mask=None):
        b, n, d = x.shape
        q, k, v = self.split(self.q_proj(x)), self.split(self.k_proj(x)), self.split(self.v_proj(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = self.drop(torch.softmax(scores, dim=-1))
        heads = weights @ v
        return self.out_proj(heads.transpose(1, 2).reshape(b, n, d))


class MLP(nn.Module):
    def __init__(self, d_model, d_ff, act):
        super().__init__()
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.act = act

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, act=F.gelu):
        super().__init__()
        self.ln1 = nn.LayerNorm(d_model, eps=1e-5)
        self.attn = MultiHeadAttention(d_model, n_heads, dropout)
        self.ln2 = nn.LayerNorm(d_model, eps=1e-5)
        self.mlp = MLP(d_model, d_ff, act)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        x = x + self.drop(self.attn(self.ln1(x), mask))
        return x + self.drop(self.mlp(self.ln2(x)))


class Classifier(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, n_heads, d_ff, n_layers, num_classes, dropout=0.0):
        super().__init__()
        self.tok = nn.Embedding(vocab_size, d_model)
        self.pos = nn.Embedding(max_len, d_model)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([Block(d_model, n_heads, d_ff, dropout) for _ in range(n_layers)])
        self.ln_f = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, num_classes)

    def forward(self, ids, mask):
        x = self.tok(ids) + self.pos(torch.arange(ids.size(1)))
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, mask[:, None, None, :])
        x = self.ln_f(x)
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self.head(pooled)


class PostBlock(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, dropout):
        super().__init__()
        self.attn = MultiHeadAttention(d_model, n_heads, dropout)
        self.ln1 = nn.LayerNorm(d_model, eps=1e-12)
        self.mlp = MLP(d_model, d_ff, F.gelu)
        self.ln2 = nn.LayerNorm(d_model, eps=1e-12)

    def forward(self, x, mask):
        x = self.ln1(x + self.attn(x, mask))
        return self.ln2(x + self.mlp(x))


class BERT(nn.Module):
    def __init__(self, vocab_size, max_len, type_vocab_size, d_model, n_heads, d_ff, n_layers, dropout=0.0):
        super().__init__()
        self.tok = nn.Embedding(vocab_size, d_model)
        self.pos = nn.Embedding(max_len, d_model)
        self.seg = nn.Embedding(type_vocab_size, d_model)
        self.ln_emb = nn.LayerNorm(d_model, eps=1e-12)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([PostBlock(d_model, n_heads, d_ff, dropout) for _ in range(n_layers)])
        self.mlm_dense = nn.Linear(d_model, d_model)
        self.mlm_ln = nn.LayerNorm(d_model, eps=1e-12)
        self.mlm_bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, ids, segment_ids, mask):
        x = self.tok(ids) + self.pos(torch.arange(ids.size(1))) + self.seg(segment_ids)
        x = self.drop(self.ln_emb(x))
        for block in self.blocks:
            x = block(x, mask[:, None, None, :])
        x = self.mlm_ln(F.gelu(self.mlm_dense(x)))
        return x @ self.tok.weight.T + self.mlm_bias


def gelu_tanh(x):
    return F.gelu(x, approximate="tanh")


class GPT(nn.Module):
    def __init__(self, vocab_size, block_size, n_embd, n_head, d_ff, n_layer, dropout=0.0):
        super().__init__()
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Embedding(block_size, n_embd)
        self.drop = nn.Dropout(dropout)
        self.h = nn.ModuleList([Block(n_embd, n_head, d_ff, dropout, gelu_tanh) for _ in range(n_layer)])
        self.ln_f = nn.LayerNorm(n_embd)

    def forward(self, ids):
        n = ids.size(1)
        mask = torch.tril(torch.ones(n, n, dtype=torch.bool))
        x = self.drop(self.wte(ids) + self.wpe(torch.arange(n)))
        for block in self.h:
            x = block(x, mask)
        return self.ln_f(x) @ self.wte.weight.T
