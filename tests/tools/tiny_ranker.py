#!/usr/bin/env python3
"""A tiny cross-encoder of random weights, and what it makes of a query and passages.

usage: tiny_ranker.py make KIND DIR     as Hugging Face stores a classifier of one label; KIND: bert, xlm-roberta
       tiny_ranker.py score KIND DIR    {"query": …, "passages": […]} on stdin; prints a logit for each

The forward pass is written down from the papers, in float64, and shares nothing with the engine. It knows the WORDS
alone, in small letters, and the MARKS.
"""
import json
import math
import os
import random
import re
import struct
import sys

D, HEADS, FF, LAYERS, CONTEXT = 32, 2, 64, 2, 64
MARKS = [".", ",", ":", "?"]
WORDS = ("txt the a of in at is are and to red green blue old new boat harbour town "
         "bread soup museum garden river bridge night morning ship sails sleeps opens closes near far where when "
         "what notes").split()


class Bert:
    prefix, n_types, first = "bert.", 2, 0  # first: row of position 0
    head = "bert.pooler.dense", "classifier"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + MARKS + WORDS
    config = {"model_type": "bert", "architectures": ["BertForSequenceClassification"]}

    def write_vocabulary(self, folder):
        with open(folder + "/vocab.txt", "w", encoding="utf-8") as f:
            f.write("".join(w + "\n" for w in self.vocabulary))

    def pair(self, query, passage):
        """The tokens, and where those of the second type begin."""
        first = ["[CLS]"] + words_of(query) + ["[SEP]"]
        both = first + words_of(passage) + ["[SEP]"]
        return [self.vocabulary.index(w) for w in both], len(first)


class XlmRoberta:
    prefix, n_types, first = "roberta.", 1, 2
    head = "classifier.dense", "classifier.out_proj"
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>"] + MARKS + WORDS + ["\u2581" + w for w in WORDS] + [
        "<mask>"]
    config = {"model_type": "xlm-roberta", "architectures": ["XLMRobertaForSequenceClassification"], "pad_token_id": 1}

    def write_vocabulary(self, folder):
        special = [i for i, w in enumerate(self.vocabulary) if w.startswith("<")]
        with open(folder + "/tokenizer.json", "w", encoding="utf-8") as f:
            json.dump({"added_tokens": [{"id": i, "content": self.vocabulary[i], "special": True} for i in special],
                       "model": {"type": "Unigram", "unk_id": 3, "vocab": [[w, -1.0] for w in self.vocabulary]}}, f)

    def pair(self, query, passage):
        first, second = (re.sub(r"(^|\s)(?=\S)", " \u2581", text) for text in (query, passage))
        both = ["<s>"] + words_of(first) + ["</s>", "</s>"] + words_of(second) + ["</s>"]
        return [self.vocabulary.index(w) for w in both], len(both)


KINDS = {"bert": Bert(), "xlm-roberta": XlmRoberta()}


def words_of(text):
    return re.findall(r"\u2581?\w+|[^\w\s]", text)


def make(kind, folder):
    os.makedirs(folder)
    kind.write_vocabulary(folder)
    positions = CONTEXT + kind.first
    with open(folder + "/config.json", "w", encoding="utf-8") as f:
        json.dump(dict(kind.config, hidden_act="gelu", hidden_size=D, num_hidden_layers=LAYERS, intermediate_size=FF,
                       num_attention_heads=HEADS, max_position_embeddings=positions, layer_norm_eps=1e-12,
                       type_vocab_size=kind.n_types), f)
    e = kind.prefix + "embeddings."
    shapes = {e + "word_embeddings": [len(kind.vocabulary), D], e + "position_embeddings": [positions, D],
              e + "token_type_embeddings": [kind.n_types, D], e + "LayerNorm": [D],
              kind.head[0]: [D, D], kind.head[1]: [1, D]}
    for i in range(LAYERS):
        layer = "%sencoder.layer.%d." % (kind.prefix, i)
        for name, rows, cols in (("attention.self.query", D, D), ("attention.self.key", D, D),
                                 ("attention.self.value", D, D), ("attention.output.dense", D, D),
                                 ("intermediate.dense", FF, D), ("output.dense", D, FF)):
            shapes[layer + name] = [rows, cols]
        for name in "attention.output.LayerNorm", "output.LayerNorm":
            shapes[layer + name] = [D]
    write_weights(folder, shapes)


def write_weights(folder, shapes):
    random.seed(7)
    head, data = {}, b""
    for name, shape in shapes.items():
        parts = [("weight", shape)]
        if "_embeddings" not in name:
            parts.append(("bias", [shape[0]]))
        for part, dims in parts:
            norm = name.endswith("LayerNorm") and part == "weight"
            n = math.prod(dims)
            head["%s.%s" % (name, part)] = {"dtype": "F32", "shape": dims,
                                            "data_offsets": [len(data), len(data) + 4 * n]}
            data += struct.pack("<%df" % n, *(norm + random.gauss(0, 0.3) for _ in range(n)))
    raw = json.dumps(head).encode()
    with open(folder + "/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(raw)) + raw + data)


def weights_of(folder):
    with open(folder + "/model.safetensors", "rb") as f:
        data = f.read()
    n = struct.unpack_from("<Q", data)[0]
    out = {}
    for name, t in json.loads(data[8:8 + n]).items():
        begin, end = t["data_offsets"]
        flat = struct.unpack("<%df" % ((end - begin) // 4), data[8 + n + begin:8 + n + end])
        cols = t["shape"][-1]
        rows = [flat[i:i + cols] for i in range(0, len(flat), cols)]
        out[name] = rows if len(t["shape"]) > 1 else rows[0]
    return out


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


class Ranker:
    def __init__(self, kind, folder):
        self.kind, self.w = kind, weights_of(folder)

    def linear(self, x, name):
        return [dot(x, row) + b for row, b in zip(self.w[name + ".weight"], self.w[name + ".bias"])]

    def norm(self, x, name):
        mean = sum(x) / len(x)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-12)
        return [(v - mean) / deviation * w + b
                for v, w, b in zip(x, self.w[name + ".weight"], self.w[name + ".bias"])]

    def layer(self, x, name):
        q, k, v = ([self.linear(t, name + ".attention.self." + part) for t in x]
                   for part in ("query", "key", "value"))
        size = D // HEADS
        mixed = [[] for _ in x]
        for at in range(0, D, size):
            for i in range(len(x)):
                scores = [math.exp(dot(q[i][at:at + size], other[at:at + size]) / math.sqrt(size)) for other in k]
                mixed[i] += [sum(s * other[c] for s, other in zip(scores, v)) / sum(scores)
                             for c in range(at, at + size)]
        out = []
        for t, m in zip(x, mixed):
            h = self.norm([a + b for a, b in zip(t, self.linear(m, name + ".attention.output.dense"))],
                          name + ".attention.output.LayerNorm")
            up = [0.5 * u * (1 + math.erf(u / math.sqrt(2))) for u in self.linear(h, name + ".intermediate.dense")]
            out.append(self.norm([a + b for a, b in zip(h, self.linear(up, name + ".output.dense"))],
                                 name + ".output.LayerNorm"))
        return out

    def score(self, query, passage):
        kind = self.kind
        ids, second = kind.pair(query, passage)
        e = kind.prefix + "embeddings."
        words, places, types = (self.w[e + n + "_embeddings.weight"] for n in ("word", "position", "token_type"))
        x = [self.norm([a + b + c for a, b, c in zip(words[t], places[i + kind.first], types[i >= second])],
                       e + "LayerNorm")
             for i, t in enumerate(ids)]
        for i in range(LAYERS):
            x = self.layer(x, "%sencoder.layer.%d" % (kind.prefix, i))
        pooled = [math.tanh(v) for v in self.linear(x[0], kind.head[0])]
        return self.linear(pooled, kind.head[1])[0]


def main():
    kind, folder = KINDS[sys.argv[2]], sys.argv[3]
    if sys.argv[1] == "make":
        make(kind, folder)
        return
    ranker, asked = Ranker(kind, folder), json.load(sys.stdin)
    print(json.dumps([ranker.score(asked["query"], p) for p in asked["passages"]]))


if __name__ == "__main__":
    main()
