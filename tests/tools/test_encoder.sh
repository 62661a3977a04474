#!/bin/bash
# The encoder that ships is the file that its card and the command that makes it say, and it runs; a folder as
# sentence-transformers writes it becomes a model that runs.
. "$RAGD_SRCDIR/tests/tools/lib.sh"

encoders=$RAGD_SRCDIR/data/encoders
file=$encoders/all-MiniLM-L6-v2-Q8_0.gguf
digest=$(sha256sum "$file" | cut -d' ' -f1)
is "its digest is the card's" "$(sed -n 's/^| SHA-256 | \([0-9a-f]*\) |$/\1/p' "$encoders/all-MiniLM-L6-v2.md")" "$digest"
is "and that of the command that makes it" "$(sed -n 's/^digest=//p' "$encoders/make")" "$digest"
is "its size is the card's" "$(grep -o '[0-9,]* bytes' "$encoders/all-MiniLM-L6-v2.md" | tr -dc 0-9)" "$(stat -c %s "$file")"

cosine='
import json, sys
a, b, c = (json.loads(line) for line in sys.stdin)
dot = lambda x, y: sum(p * q for p, q in zip(x, y))
print(len(a), dot(a, b) > 0.6 > 0.2 > dot(a, c))'
command -v python3 >/dev/null || { echo "no python3: what is converted is not checked"; exit; }
is "one meaning is near, another far" "$(printf '%s\n' "How do I reset my password?" \
	"What to do when a password is forgotten" "The museum lies in Rotterdam." |
	model embed -m "$file" | python3 -c "$cosine")" "384 True"

# ---- from a folder: two layers of 32 numbers, of no meaning ----
python3 - "$T/tiny" <<'PY'
import json, os, random, struct, sys

folder = sys.argv[1]
os.makedirs(folder + "/1_Pooling")
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##s", "."]
open(folder + "/vocab.txt", "w").write("".join(w + "\n" for w in words))
json.dump({"pooling_mode_mean_tokens": True}, open(folder + "/1_Pooling/config.json", "w"))
json.dump({"model_type": "bert", "hidden_act": "gelu", "hidden_size": 32, "num_hidden_layers": 2,
           "intermediate_size": 64, "num_attention_heads": 2, "max_position_embeddings": 16,
           "layer_norm_eps": 1e-12, "type_vocab_size": 2}, open(folder + "/config.json", "w"))
shapes = {"embeddings.word_embeddings.weight": [len(words), 32],
          "embeddings.position_embeddings.weight": [16, 32],
          "embeddings.token_type_embeddings.weight": [2, 32],
          "embeddings.LayerNorm.weight": [32], "embeddings.LayerNorm.bias": [32]}
for i in range(2):
    for name, out, n in (("attention.self.query", 32, 32), ("attention.self.key", 32, 32),
                         ("attention.self.value", 32, 32), ("attention.output.dense", 32, 32),
                         ("intermediate.dense", 64, 32), ("output.dense", 32, 64)):
        shapes["encoder.layer.%d.%s.weight" % (i, name)] = [out, n]
        shapes["encoder.layer.%d.%s.bias" % (i, name)] = [out]
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        for part in ("weight", "bias"):
            shapes["encoder.layer.%d.%s.%s" % (i, name, part)] = [32]
random.seed(1)
head, data = {}, b""
for name, shape in shapes.items():
    n = shape[0] * (shape[1] if len(shape) > 1 else 1)
    head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * n]}
    data += struct.pack("<%df" % n, *(random.gauss(0, 1) for _ in range(n)))
head = json.dumps(head).encode()
open(folder + "/model.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + data)
PY
convert() { python3 "$RAGD_SRCDIR/tools/convert/bert_to_gguf.py" "$@"; }
check "a folder is converted" convert "$T/tiny" "$T/tiny.gguf" --name tiny
has "the file says what it is" "$(model info -m "$T/tiny.gguf")" "vocabulary    bert, 9 tokens"
is "its tokens are words and their ends" "$(model tokenize -m "$T/tiny.gguf" --ids <<<"Hello worlds.")" "2 5 6 7 8 3"
is "it gives vectors" "$(model embed -m "$T/tiny.gguf" <<<"hello worlds" | python3 -c 'import json; print(len(json.loads(input())))')" 32
convert "$T/tiny" "$T/again.gguf" --name tiny
check "the same bytes each time" cmp "$T/tiny.gguf" "$T/again.gguf"
# ---- the same as XLM-R has it: a Unigram vocabulary, and two rows of positions that are not used ----
cp -r "$T/tiny" "$T/uni" && rm "$T/uni/vocab.txt"
python3 - "$T/uni" <<'PY'
import json, sys

folder = sys.argv[1]
cfg = json.load(open(folder + "/config.json"))
cfg.update(model_type="xlm-roberta", pad_token_id=1)
json.dump(cfg, open(folder + "/config.json", "w"))
pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u2581hello", "\u2581world", "s"]
json.dump({"added_tokens": [{"id": i, "content": t, "special": True} for i, t in enumerate(pieces[:4])] +
                           [{"id": 7, "content": "<mask>", "special": True}],
           "model": {"type": "Unigram", "unk_id": 3, "vocab": [[p, -i] for i, p in enumerate(pieces)]}},
          open(folder + "/tokenizer.json", "w"))
PY
check "a folder with a Unigram vocabulary is converted" convert "$T/uni" "$T/uni.gguf" --name uni
has "the file says what it is" "$(model info -m "$T/uni.gguf")" "vocabulary    t5, 9 tokens"
has "and how long a text may be" "$(model info -m "$T/uni.gguf")" "context       14 tokens"
is "its tokens are those of the greatest sum" "$(model tokenize -m "$T/uni.gguf" --ids < <(printf "hello worlds"))" "0 4 5 6 2"
is "it gives vectors, too" "$(model embed -m "$T/uni.gguf" <<<"hello worlds" | python3 -c 'import json; print(len(json.loads(input())))')" 32

# ---- cross-encoders, which keep their head ----
ranker() { python3 "$RAGD_SRCDIR/tests/tools/tiny_ranker.py" "$@"; }
for kind in bert xlm-roberta; do
	ranker make $kind "$T/$kind"
	check "a cross-encoder is converted: $kind" convert "$T/$kind" "$T/$kind.gguf"
	has "its head is there" "$(model info -m "$T/$kind.gguf")" "tensors       39 F32"
	has "it makes no vectors" "$(model embed -m "$T/$kind.gguf" <<<"the boat" 2>&1)" "the model ranks passages"
done
LC_ALL=C sed -i 's/"shape": \[1, 32\]/"shape": [2, 16]/' "$T/bert/model.safetensors"
has "one of two labels is refused" "$(convert "$T/bert" "$T/none.gguf" 2>&1)" "a classifier of 2 labels"

# ---- refused ----
sed -i 's/"gelu"/"relu"/' "$T/tiny/config.json"
has "what is no plain BERT is refused" "$(convert "$T/tiny" "$T/none.gguf" 2>&1)" "not a plain BERT"
check "and leaves nothing" [ ! -e "$T/none.gguf" ]
