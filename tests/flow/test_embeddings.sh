#!/bin/bash
# POST /v1/embeddings with the encoder that ships and the configuration that ships.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
grep -q '^#define WITH_ENCODER 1' "$RAGD_BUILDDIR/config.h" || skip "this build has no encoder"
command -v python3 >/dev/null || skip "python3 is missing"

start_ragd || exit 1
embed() { api /v1/embeddings -d "$1"; }
code() { api /v1/embeddings -o "$T/reply" -w '%{http_code}' -d "$1"; }
# py EXPRESSION: of r, the reply on standard input, and its vectors v.
py() {
	python3 -c '
import base64, json, math, struct, sys
r = json.load(sys.stdin)
v = [d["embedding"] for d in r.get("data", [])]
dot = lambda a, b: sum(x * y for x, y in zip(a, b))
print(eval(sys.argv[1]))' "$1"
}

# ---- what vectors are ----
question='"How do I reset my password?"'
embed "{\"model\":\"encoder\",\"input\":[$question,\"What to do when a password is forgotten\",\"The museum lies in Rotterdam.\"]}" >"$T/three"
is "they have the model's length" "$(py '{len(x) for x in v}' <"$T/three")" "{384}"
is "are unit vectors" "$(py 'max(abs(dot(x, x) - 1) for x in v) < 1e-4' <"$T/three")" True
is "near where the meaning is, far where it is not" "$(py 'dot(v[0], v[1]) > 0.6 > 0.2 > dot(v[0], v[2])' <"$T/three")" True
is "in order" "$(py '[d["index"] for d in r["data"]]' <"$T/three")" "[0, 1, 2]"
is "their tokens are counted" "$(py 'r["usage"]' <"$T/three")" "{'prompt_tokens': 27, 'total_tokens': 27}"
is "the model is the one that was asked" "$(py 'r["model"]' <"$T/three")" encoder
has "an assistant's name gives the encoder's, too" "$(embed "{\"input\":$question}")" \
	"$(grep -o '"embedding":\[[^]]*' "$T/three" | head -n 1)"
is "base64 is the same numbers" "$(embed "{\"input\":$question,\"encoding_format\":\"base64\"}" |
	py '[round(x, 5) for x in struct.unpack("<384f", base64.b64decode(v[0]))]')" \
	"$(py '[round(x, 5) for x in v[0]]' <"$T/three")"

# ---- what has none ----
is "an empty text is refused" "$(code '{"input":["a",""]}')" 400
has "by its number" "$(cat "$T/reply")" '"param":"input[1]"'
is "a blank one, too" "$(code '{"input":["a","b"," \n "]}')" 400
has "by its number as well" "$(cat "$T/reply")" '"param":"input[2]"'
is "token ids are refused" "$(code '{"input":[[1,2],[3]]}')" 400
has "in words that help" "$(cat "$T/reply")" "send text"
is "dimensions are refused" "$(code '{"input":"a","dimensions":64}')" 400
has "since the model cannot have them cut" "$(cat "$T/reply")" '"param":"dimensions"'
is "but for those there are" "$(code '{"input":"a","dimensions":384}')" 200
is "an unknown model" "$(code '{"input":"a","model":"text-embedding-3-small"}')" 404
has "is called that" "$(cat "$T/reply")" '"code":"unknown_model"'

# ---- many, and odd ones ----
many() { python3 -c 'import json, sys; print(json.dumps({"input": ["word %d" % i for i in range(int(sys.argv[1]))]}))' "$1"; }
many 2048 >"$T/many"
is "2,048 texts are embedded" "$(embed @"$T/many" | py 'len(v)')" 2048
many 2049 >"$T/many"
is "one more is refused" "$(code @"$T/many")" 400
python3 - >"$T/odd" <<'PY'
import json
odd = ["?", "ภาษาไทย", "東京", "😀", "a" * 5000, "word " * 3000, "[CLS] [SEP] [UNK]", "e\u0301", "\ufffd"]
print(json.dumps({"input": odd}))
PY
embed @"$T/odd" >"$T/reply"
is "no text has a vector of zeros" "$(py 'len(v), max(abs(dot(x, x) - 1) for x in v) < 1e-4' <"$T/reply")" "(9, True)"

# ---- the same for ever ----
embed "{\"input\":$question}" >"$T/before"
check "documents are added" rag add -q "$RAGD_SRCDIR/docs"
is "the vector is as before" "$(embed "{\"input\":$question}")" "$(cat "$T/before")"
has "the encoder is in the list of models" "$(api /v1/models)" '"id":"encoder"'
is "it is no assistant" "$(api /v1/chat/completions -o /dev/null -w '%{http_code}' \
	-d '{"model":"encoder","messages":[{"role":"user","content":"hi"}]}')" 404
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0
