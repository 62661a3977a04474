#!/usr/bin/env python3
"""Turn a BERT text encoder or cross-encoder, as Hugging Face and sentence-transformers store it, into a GGUF file.

usage: bert_to_gguf.py DIR OUT.gguf [--name NAME] [--context N]

DIR holds model.safetensors (F32), config.json (model_type bert or xlm-roberta) and vocab.txt
(lower-case WordPiece) or, without that, tokenizer.json (Unigram, as XLM-R and multilingual-e5 have
it); the pooling comes from 1_Pooling/config.json, the licence from README.md, the context
from max_position_embeddings. A cross-encoder (BertForSequenceClassification or
XLMRobertaForSequenceClassification of one label) keeps its head, and ranks. The file is F32 but for the tables of positions and types, which are
F16; `ragd-model quantize` makes it smaller. Keys and tensors have the names that llama.cpp gives
the architecture `bert`, so that other programs read the file, too. The same input always gives the
same bytes. Nothing but Python is needed.
"""
import argparse
import array
import base64
import json
import os
import re
import struct
import sys

U8, U32, I32, F32, BOOL, STR, ARR = 0, 4, 5, 6, 7, 8, 9  # types of GGUF's metadata
TENSOR_F32, TENSOR_F16 = 0, 1
ALIGNMENT = 32
NORMAL, UNKNOWN, CONTROL, UNUSED = 1, 2, 3, 5  # types of tokens
POOLING = {"pooling_mode_mean_tokens": 1, "pooling_mode_cls_token": 2, "pooling_mode_lasttoken": 3}
TABLES = [("embeddings.word_embeddings.weight", "token_embd.weight"),
          ("embeddings.position_embeddings.weight", "position_embd.weight"),
          ("embeddings.token_type_embeddings.weight", "token_types.weight"),
          ("embeddings.LayerNorm.weight", "token_embd_norm.weight"),
          ("embeddings.LayerNorm.bias", "token_embd_norm.bias")]
LAYER = [("attention.self.query", "attn_q"), ("attention.self.key", "attn_k"),
         ("attention.self.value", "attn_v"), ("attention.output.dense", "attn_output"),
         ("attention.output.LayerNorm", "attn_output_norm"), ("intermediate.dense", "ffn_up"),
         ("output.dense", "ffn_down"), ("output.LayerNorm", "layer_output_norm")]
# The two layers of a classifier, as BERT and XLM-R name them: a dense one with a tanh, and its output.
HEADS = [("pooler.dense", "classifier"), ("classifier.dense", "classifier.out_proj")]
RANK = 4  # the pooling of a model that ranks


def read_text(folder, name, default=None):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return default
    with open(path, encoding="utf-8") as f:
        return f.read()


def read_json(folder, name, default=None):
    text = read_text(folder, name)
    return json.loads(text) if text is not None else default


def read_tensors(path):
    """{name: (shape, bytes)}; safetensors has a list of them in front."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack_from("<Q", data)[0]
    out = {}
    for name, t in json.loads(data[8:8 + n]).items():
        if name == "__metadata__" or name.endswith("position_ids"):
            continue
        if t["dtype"] != "F32":
            sys.exit("%s is %s: convert the model to F32 first" % (name, t["dtype"]))
        begin, end = t["data_offsets"]
        out[re.sub(r"^(bert|roberta)\.", "", name)] = (t["shape"], data[8 + n + begin:8 + n + end])
    return out


def read_wordpiece(folder, n_types):
    """The keys of the vocabulary, and its number of tokens."""
    if not read_json(folder, "tokenizer_config.json", {}).get("do_lower_case", True):
        sys.exit("a cased vocabulary: GGUF's WordPiece makes all letters small")
    words = read_text(folder, "vocab.txt").split("\n")
    if words[-1] == "":
        words.pop()
    tokens, roles = [], {}
    for i, word in enumerate(words):
        word = word.rstrip("\r")
        if word in ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"):
            roles[word] = i
            tokens.append((word, UNKNOWN if word == "[UNK]" else CONTROL))
        elif re.fullmatch(r"\[unused\d+\]", word):
            tokens.append((word, UNUSED))
        elif word.startswith("##") and len(word) > 2:
            tokens.append((word[2:], NORMAL))  # goes on with a word
        else:
            tokens.append(("\u2581" + word, NORMAL))  # begins one
    ids = {role: roles.get(word) for role, word in (
        ("bos", "[CLS]"), ("cls", "[CLS]"), ("seperator", "[SEP]"), ("unknown", "[UNK]"),
        ("padding", "[PAD]"), ("mask", "[MASK]"))}
    return vocabulary_keys("bert", n_types, tokens, ids), len(tokens)


def read_charsmap(conf):
    """Of a normalizer, which may be a sequence of others."""
    normalizer = conf.get("normalizer") or {}
    for part in normalizer.get("normalizers", [normalizer]):
        if part.get("type") == "Precompiled":
            return list(base64.b64decode(part["precompiled_charsmap"]))
    return []


def read_token(model, special, i):
    """Its text, score and type; the table may have more rows than there are tokens."""
    if i == model["unk_id"]:
        return model["vocab"][i][0], 0, UNKNOWN
    if i in special:
        return special[i], 0, CONTROL
    if i < len(model["vocab"]):
        return model["vocab"][i] + [NORMAL]
    return "[PAD%d]" % i, -10000, UNUSED


def read_unigram(folder, n_types, n_rows):
    conf = read_json(folder, "tokenizer.json", {})
    model = conf.get("model", {})
    if model.get("type") != "Unigram":
        sys.exit("neither vocab.txt nor a tokenizer.json of the kind Unigram")
    special = {t["id"]: t["content"] for t in conf["added_tokens"] if t["special"]}
    tokens = [read_token(model, special, i) for i in range(n_rows)]
    by_text = {text: i for i, text in special.items()}
    ids = {role: by_text.get(text) for role, text in (
        ("bos", "<s>"), ("cls", "<s>"), ("eos", "</s>"), ("seperator", "</s>"),
        ("padding", "<pad>"), ("mask", "<mask>"))}
    ids["unknown"] = model["unk_id"]
    keys = vocabulary_keys("t5", n_types, [(text, kind) for text, _, kind in tokens], ids)
    keys += [("tokenizer.ggml.scores", ARR, (F32, [score for _, score, _ in tokens])),
             ("tokenizer.ggml.add_space_prefix", BOOL, True),
             ("tokenizer.ggml.remove_extra_whitespaces", BOOL, True),
             ("tokenizer.ggml.add_bos_token", BOOL, True),
             ("tokenizer.ggml.add_eos_token", BOOL, True)]
    if read_charsmap(conf):
        keys.append(("tokenizer.ggml.precompiled_charsmap", ARR, (U8, read_charsmap(conf))))
    return keys


def vocabulary_keys(kind, n_types, tokens, ids):
    keys = [("tokenizer.ggml.model", STR, kind), ("tokenizer.ggml.pre", STR, "default"),
            ("tokenizer.ggml.token_type_count", U32, n_types),
            ("tokenizer.ggml.tokens", ARR, (STR, [t for t, _ in tokens])),
            ("tokenizer.ggml.token_type", ARR, (I32, [k for _, k in tokens]))]
    # "seperator" is how the format spells it.
    return keys + [("tokenizer.ggml.%s_token_id" % role, U32, i)
                   for role, i in ids.items() if i is not None]


def pooling_of(folder):
    conf = read_json(folder, "1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
    modes = [k for k, v in conf.items() if k.startswith("pooling_mode") and v is True]
    if len(modes) != 1 or modes[0] not in POOLING:
        sys.exit("a pooling that GGUF does not have: %s" % conf)
    return POOLING[modes[0]]


def head_of(cfg, weights):
    """Of a classifier: the names of its two layers; None for an encoder."""
    if not any(a.endswith("ForSequenceClassification") for a in cfg.get("architectures", [])):
        return None
    for dense, output in HEADS:
        if dense + ".weight" in weights and output + ".weight" in weights:
            labels = weights[output + ".weight"][0][0]
            if labels != 1:
                sys.exit("a classifier of %d labels: only one of one label ranks" % labels)
            return dense, output
    sys.exit("a classifier whose head is neither BERT's nor XLM-R's")


def licence_of(folder):
    head = re.match(r"---\n(.*?)\n---", read_text(folder, "README.md", ""), re.S)
    found = head and re.search(r"^license:\s*(\S+)", head.group(1), re.M)
    return found.group(1) if found else None


def metadata(folder, cfg, name, context, pooling, vocabulary):
    meta = [("general.architecture", STR, "bert"), ("general.type", STR, "model"),
            ("general.name", STR, name)]
    if licence_of(folder):
        meta.append(("general.license", STR, licence_of(folder)))
    meta += [("general.file_type", U32, 0),
             ("bert.context_length", U32, context),
             ("bert.embedding_length", U32, cfg["hidden_size"]),
             ("bert.block_count", U32, cfg["num_hidden_layers"]),
             ("bert.feed_forward_length", U32, cfg["intermediate_size"]),
             ("bert.attention.head_count", U32, cfg["num_attention_heads"]),
             ("bert.attention.layer_norm_epsilon", F32, cfg["layer_norm_eps"]),
             ("bert.attention.causal", BOOL, False),
             ("bert.pooling_type", U32, pooling)]
    return meta + vocabulary


def tensors_of(weights, n_layers, context, first, head):
    """[(name, shape, type, bytes)]; position 0 is row `first` of its table."""
    names = list(TABLES)
    for i in range(n_layers):
        for theirs, ours in LAYER:
            for part in ("weight", "bias"):
                names.append(("encoder.layer.%d.%s.%s" % (i, theirs, part),
                              "blk.%d.%s.%s" % (i, ours, part)))
    for theirs, ours in zip(head or (), ("cls", "cls.output")):
        names += [("%s.%s" % (theirs, part), "%s.%s" % (ours, part)) for part in ("weight", "bias")]
    out = []
    for theirs, ours in names:
        shape, data = weights[theirs]
        kind = TENSOR_F32
        if ours == "position_embd.weight":
            shape = [context, shape[1]]
            data = data[first * shape[1] * 4:(first + context) * shape[1] * 4]
        if ours in ("position_embd.weight", "token_types.weight"):
            floats = array.array("f", data)
            data, kind = struct.pack("<%de" % len(floats), *floats), TENSOR_F16
        out.append((ours, shape, kind, data))
    return out


def packed(kind, value):
    if kind == STR:
        raw = value.encode()
        return struct.pack("<Q", len(raw)) + raw
    if kind == ARR:
        kind, items = value
        return struct.pack("<IQ", kind, len(items)) + b"".join(packed(kind, v) for v in items)
    return struct.pack({U8: "<B", U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def write_gguf(path, meta, tensors):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    for key, kind, value in meta:
        head += packed(STR, key) + struct.pack("<I", kind) + packed(kind, value)
    at = 0
    for name, shape, kind, data in tensors:
        head += packed(STR, name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", n) for n in reversed(shape))
        head += struct.pack("<IQ", kind, at)
        at += len(data) + -len(data) % ALIGNMENT
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGNMENT))
        for _, _, _, data in tensors:
            f.write(data + bytes(-len(data) % ALIGNMENT))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("src", metavar="DIR")
    p.add_argument("dst", metavar="OUT.gguf")
    p.add_argument("--name")
    p.add_argument("--context", type=int)
    a = p.parse_args()
    cfg = read_json(a.src, "config.json")
    if cfg.get("model_type") not in ("bert", "xlm-roberta") or cfg.get("hidden_act") != "gelu" or \
            cfg.get("position_embedding_type", "absolute") != "absolute":
        sys.exit("not a plain BERT")
    # XLM-R counts positions from behind that of its padding.
    first = cfg["pad_token_id"] + 1 if cfg["model_type"] == "xlm-roberta" else 0
    positions = cfg["max_position_embeddings"] - first
    context = min(a.context or positions, positions)
    weights = read_tensors(os.path.join(a.src, "model.safetensors"))
    head = head_of(cfg, weights)
    pooling = RANK if head else pooling_of(a.src)
    tensors = tensors_of(weights, cfg["num_hidden_layers"], context, first, head)
    n_rows = tensors[0][1][0]
    if read_text(a.src, "vocab.txt") is None:
        vocabulary, n_tokens = read_unigram(a.src, cfg["type_vocab_size"], n_rows), n_rows
    else:
        vocabulary, n_tokens = read_wordpiece(a.src, cfg["type_vocab_size"])
    if n_tokens != n_rows:
        sys.exit("%d tokens, but %d rows of the table" % (n_tokens, n_rows))
    name = a.name or os.path.basename(os.path.abspath(a.src))
    write_gguf(a.dst, metadata(a.src, cfg, name, context, pooling, vocabulary), tensors)


if __name__ == "__main__":
    main()
