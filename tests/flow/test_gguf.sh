#!/bin/bash
# A real model behind the real daemon: a grounded prompt of some 3,000 tokens streams to `rag`; the next one
# that begins alike is not read again; a client that is killed frees its place at once.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
need_plugin inference_gguf
story=$shared/models/llm/tinystories-656K/tinystories-656K-Q8_0.gguf
docs=$shared/retrieval/docs-qa-libuv/docs
[ -r "$story" ] || skip "the small models are absent"
[ -d "$docs" ] || skip "the docs-qa-libuv collection is absent"
command -v python3 >/dev/null || skip "python3 is missing"

# The model was made for 512 tokens and ends its stories. The same file that says 8192, and names another end, tells
# nonsense for as long as it is let, which is as good for what is tested here.
python3 - "$story" "$T/model.gguf" <<'PY'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
for key, value in (b"llama.context_length", 8192), (b"tokenizer.ggml.eos_token_id", 0):
    at = data.index(struct.pack("<Q", len(key)) + key) + 8 + len(key)
    assert struct.unpack_from("<I", data, at)[0] == 4
    struct.pack_into("<I", data, at + 4, value)
open(sys.argv[2], "wb").write(data)
PY

cat >"$T/ragd.conf" <<CONF
plugin "story" {
	module = "inference_gguf"
	model = "$T/model.gguf"
	template = "chatml"
}
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" }
policy "open" { filters = { "basic" } }
collection "default" { }
assistant "default" {
	inference = "story"
	retrieval = "hybrid"
	policy = "open"
	grounded = no
	k = 8
	max_tokens = 40
	temperature = 0
}
assistant "long" {
	inference = "story"
	policy = "open"
	grounded = no
	system_prompt = ""
	temperature = 1
	min_p = 0
	max_tokens = 7000
}
CONF
start_ragd -c "$T/ragd.conf" || exit 1
has "the plan of memory is in the log" "$(cat "$T/ragd.log")" "MiB of weights"
# In one request: from what is there in a pause between two, vectors would be learned, and once more from all.
exits "documents are added" 0 rag add -j 1 "$docs"
# Vectors come a moment later and change which passages are found: the same question is asked twice below.
check "their vectors are there" wait_for grep -q learned "$T/ragd.log"

# refused CONF: ragd does not start with it; what it says is in $OUT.
refused() { ! OUT=$(timeout "$HANG_S" "$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" -c "$1" 2>&1); }
metric() { api /metrics | awk -v name="ragd_plugin_$1{plugin=\"story\"}" '$1 == name { print int($2) }'; }
usage() { python3 -c 'import json, sys; u = json.load(sys.stdin)["usage"]; print(u["prompt_tokens"], u["prompt_tokens_details"]["cached_tokens"], u["completion_tokens"])'; }

body='{"messages":[{"role":"user","content":"How does the event loop of libuv work, and which handles keep it alive?"}]}'
read -r prompt cached output <<<"$(api /v1/chat/completions -d "$body" | usage)"
check "the prompt is long ($prompt tokens)" test "$prompt" -ge 3000
check "it was not read before" test "$cached" -lt 100
check "and answered" test "$output" -gt 0
read -r again cached output <<<"$(api /v1/chat/completions -d "$body" | usage)"
is "the same again" "$again" "$prompt"
# The configuration's words are read once for all, and count for nobody.
check "is all cached but for its last token and the system prompt ($cached)" test $((prompt - 1 - cached)) -lt 200

exits "rag streams it" 0 rag ask "How does the event loop of libuv work, and which handles keep it alive?"
check "some text came" test -n "$OUT"

too_long=$(printf 'one two three %.0s' $(seq 4000))
code=$(printf '{"model":"long","messages":[{"role":"user","content":"%s"}]}' "$too_long" |
	api /v1/chat/completions -d @- -o "$T/reply" -w '%{http_code}')
check "a prompt that does not fit is refused ($code)" test "$code" -ge 400 -a "$code" -lt 500
has "as the API has it" "$(cat "$T/reply")" context_length_exceeded
check "with how many tokens are over" grep -Eq '[0-9]+ (tokens )?(too many|over|more than)' "$T/reply"

# A long answer, and its client killed.
"$RAGD_BUILDDIR/rag" ask --assistant long "Tell me the longest story that you know." >"$T/story.out" 2>&1 &
client=$!
active() { [ "$(metric active)" = 1 ] && [ -s "$T/story.out" ]; }
check "it is being written" wait_for active
{ kill -9 $client; wait $client; } 2>/dev/null
ended() { [ "$(metric cancelled_total)" = 1 ] && [ "$(metric active)" = 0 ]; }
check "its place is free again" wait_for ended
check "long before the end ($(metric output_tokens_total) tokens in all)" test "$(metric output_tokens_total)" -lt 6000
is "no page of the cache is held" "$(metric cache_pages_held)" 0
exits "the next one is served" 0 rag ask "What is a handle?"

# Whatever is done to the file of a model that runs is nothing to it.
said() { api /v1/chat/completions -d "$body" | python3 -c 'import json, sys; print(json.load(sys.stdin)["choices"][0]["message"]["content"])'; }
before=$(said)
check "there is an answer to compare" test -n "$before"
cp "$T/model.gguf" "$T/good.gguf"
dd if=/dev/urandom of="$T/model.gguf" bs=64k count=4 conv=notrunc 2>/dev/null
is "written over in place: the same answer" "$(said)" "$before"
truncate -s 100000 "$T/model.gguf"
is "cut short: the same answer" "$(said)" "$before"
: >"$T/model.gguf"
is "emptied: the same answer" "$(said)" "$before"
rm "$T/model.gguf"
is "deleted: the same answer" "$(said)" "$before"
stop_ragd
is "it stops cleanly" "$RAGD_STATUS" 0

# A file that is no more what it was is refused with a sentence.
head -c 100000 "$T/good.gguf" >"$T/model.gguf"
check "a file that was cut short is refused" refused "$T/ragd.conf"
has "with a sentence" "$OUT" "cut short"
