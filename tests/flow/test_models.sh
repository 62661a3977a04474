#!/bin/bash
# Two models in one daemon, as docs/models.md tells it: one writes, one makes vectors, on the same threads at the
# same time; what each cannot is said, and who comes too many is told to come again.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
need_plugin inference_gguf
story=$shared/models/llm/tinystories-656K/tinystories-656K-Q8_0.gguf
bert=$shared/models/embeddings/static-bert/static-bert-Q8_0.gguf
for f in "$story" "$bert"; do [ -r "$f" ] || skip "the small models are absent"; done
command -v python3 >/dev/null || skip "python3 is missing"

cat >"$T/ragd.conf" <<CONF
plugin "story" {
	module = "inference_gguf"
	model = "$story"
	template = "plain"
	active = 1
	waiting = 1
}
plugin "bert" {
	module = "inference_gguf"
	model = "$bert"
}
plugin "basic" { module = "safety_basic" }
policy "open" { filters = { "basic" } }
assistant "default" {
	inference = "story"
	policy = "open"
	grounded = no
	system_prompt = ""
	temperature = 0
	max_tokens = 400
}
CONF
cat "$T/ragd.conf" - >"$T/bad.conf" <<CONF
assistant "vectors" {
	policy = "open"
	inference = "bert"
	grounded = no
}
CONF
refused="$T/bad.conf:$(($(wc -l <"$T/bad.conf") - 2)): assistant \"vectors\": inference: the model of \"bert\" writes no text"
check_config() { "$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" "$@" 2>&1; }
has "ragd -t refuses an encoder as an assistant's model" "$(check_config -t -c "$T/bad.conf")" "$refused"
# The log has its quotation marks behind backslashes.
has "and so does a start" "$(check_config -c "$T/bad.conf" | tr -d '\\')" "$refused"
start_ragd -c "$T/ragd.conf" || exit 1
hasnt "nobody misses an embedder's chat template" "$(cat "$T/ragd.log")" level=warn

vectors() { api /v1/embeddings -d '{"model":"bert","input":["hello world","a cat sat on the mat"]}'; }
tale() { api /v1/chat/completions -d '{"messages":[{"role":"user","content":"Once upon a time"}]}' |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["choices"][0]["message"]["content"])'; }
first_vectors=$(vectors)
first_tale=$(tale)
has "one makes vectors" "$first_vectors" '"embedding":['
has "the other tells" "$first_tale" "a little girl named Lily"

# The same of each while the other is at work, too.
again() { for i in 1 2 3 4 5 6 7 8; do "$1" >"$T/$1.$i"; done; }
again vectors &
writer=$!
again tale
wait "$writer"
same() { for i in 1 2 3 4 5 6 7 8; do [ "$(cat "$T/$1.$i")" = "$2" ] || return 1; done; }
check "the vectors are the same beside a tale" same vectors "$first_vectors"
check "and the tale beside vectors" same tale "$first_tale"

code=$(api /v1/chat/completions -d '{"model":"bert","messages":[{"role":"user","content":"hi"}]}' \
	-o "$T/reply" -w '%{http_code}')
is "the embedder does not write" "$code" 404
has "the list of models has it" "$(api /v1/models)" '"id":"bert"'
has "alone, too" "$(api /v1/models/bert)" "it writes no text"
has "an assistant's vectors are the encoder's" "$(api /v1/embeddings -d '{"input":["hello world","a cat sat on the mat"]}')" \
	"$(grep -o '"embedding":\[[^]]*' <<<"$first_vectors" | head -n 1)"

api /metrics >"$T/metrics"
is "every kind of count has one head" "$(grep '^# TYPE' "$T/metrics" | sort | uniq -d)" ""
check "and a line for each model" test "$(grep -c '^ragd_plugin_requests_total{' "$T/metrics")" = 2

# One is written and one may wait: of many at once most are sent away.
crowd() {
	local clients=() i
	for i in $(seq 12); do
		api /v1/chat/completions -D "$T/head.$i" -o "$T/body.$i" \
			-d "{\"messages\":[{\"role\":\"user\",\"content\":\"Tale $i\"}]}" &
		clients+=($!)
	done
	wait "${clients[@]}"
	cat "$T"/head.* | tr -d '\r' >"$T/heads"
	away=$(grep -c '^HTTP/1.1 503' "$T/heads")
}
for _ in $(seq 20); do # a machine that is slow to start clients may serve each before the next
	crowd
	[ "$away" = 0 ] || break
done
check "who comes too many is sent away ($away of 12)" test "$away" -ge 1
is "the others are served" "$(grep -c '^HTTP/1.1 200' "$T/heads")" $((12 - away))
is "and told when to come again" "$(grep -ci '^Retry-After: ' "$T/heads")" "$away"
check "in words, too" grep -q 'try again in a moment' "$T"/body.*
stop_ragd
is "it stops cleanly" "$RAGD_STATUS" 0
