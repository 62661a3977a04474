#!/bin/bash
# Search reranked by a cross-encoder: a tiny one of random weights, converted, in the daemon, in the order that its
# reference in float64 gives; and search goes on without it.
. "$(dirname "$0")/lib.sh"
need_plugin inference_gguf
command -v python3 >/dev/null || skip "python3 is missing"
ranker() { python3 "$RAGD_SRCDIR/tests/tools/tiny_ranker.py" "$@"; }

mkdir "$T/docs"
doc() { echo "$2" >"$T/docs/$1.txt"; }
doc boat "the boat is in the harbour. the red boat is near the bridge."
doc ship "a ship sails to the harbour in the morning."
doc museum "the museum of the old town opens at night, and the boat is far."
doc soup "bread and soup are near the harbour. the boat sleeps."
doc river "where the river is, the garden closes, and a blue boat sails to the new bridge."
doc night "a green ship in the night: the harbour is old, the boat is new."
query="where is the boat in the harbour?"

# configure RERANKER [OPTION]
configure() {
	cat >"$T/ragd.conf" <<CONF
plugin "ranker" {
	module = "inference_gguf"
	model = "$T/ranker.gguf"
}
plugin "hybrid" {
	module = "retrieval_hybrid"
	reranker = "$1"
	rerank_time = 5min # however slow the machine
	deadline = 10min
	${2:-}
}
plugin "extract" { module = "inference_extract" }
plugin "basic" { module = "safety_basic" }
policy "open" { filters = { "basic" } }
collection "default" { }
assistant "default" {
	inference = "extract"
	retrieval = "hybrid"
	policy = "open"
	grounded = no
}
CONF
}
found() { rag search --json -k "${1:-10}" "$query"; }
order() { python3 -c 'import json, sys; print(*(h["document"] for h in json.load(sys.stdin)["data"]))'; }
metric() { api /metrics | sed -n "s/^ragd_plugin_$1_total{plugin=\"hybrid\"} //p"; }
# The passages as the ranker reads them, and what it should make of them.
texts='
import json, sys
hits = json.load(sys.stdin)["data"]
print(json.dumps({"query": sys.argv[1], "passages": ["%s%s%s" % (
    h["title"] + (": " if h.get("heading") else ". "), h["heading"] + ". " if h.get("heading") else "", h["text"])
    for h in hits]}))'
compare='
import json, math, sys
hits, want = json.load(open(sys.argv[1]))["data"], json.load(open(sys.argv[2]))
assert len(hits) == len(want) == 6, len(hits)
assert min(abs(a - b) for i, a in enumerate(want) for b in want[:i]) > 0.02, want  # no order by chance
assert want == sorted(want, reverse=True), want
off = max(abs(h["score"] - 1 / (1 + math.exp(-w))) for h, w in zip(hits, want))
assert off < 0.005, off'

for kind in bert xlm-roberta; do
	ranker make $kind "$T/$kind"
	python3 "$RAGD_SRCDIR/tools/convert/bert_to_gguf.py" "$T/$kind" "$T/ranker.gguf" --name ranker
	configure ranker
	start_ragd -c "$T/ragd.conf" || exit 1
	rag add -q "$T/docs" >/dev/null
	found >"$T/hits.json"
	python3 -c "$texts" "$query" <"$T/hits.json" | ranker score $kind "$T/$kind" >"$T/want.json"
	check "$kind: hits have the reference's order and scores" python3 -c "$compare" "$T/hits.json" "$T/want.json"
	is "$kind: the best two of all" "$(found 2 | order)" "$(order <"$T/hits.json" | cut -d' ' -f1,2)"
	is "$kind: counted" "$(metric reranked)/$(metric rerank_failures)" "2/"
	reranked=$(order <"$T/hits.json")
	stop_ragd
done

configure ranker "rerank_top = 1"
start_ragd -c "$T/ragd.conf" || exit 1
first=$(found | order)
stop_ragd
configure ""
start_ragd -c "$T/ragd.conf" || exit 1
plain=$(found | order)
is "one alone is not reordered" "$first" "$plain"
check "the order was another one" [ "$plain" != "$reranked" ]
stop_ragd

# A plugin that reranks nothing: the order stays, the log says why, once.
configure extract
start_ragd -c "$T/ragd.conf" || exit 1
is "without a reranker the order is the same" "$(found | order) $(found | order)" "$plain $plain"
is "which is counted" "$(metric rerank_failures)" 2
is "and logged once" "$(grep -c "searching without the reranker until it answers: .*'extract' cannot rerank" "$T/ragd.log")" 1
stop_ragd

configure nobody
exits "a reranker that is no plugin's name is refused" 1 "$RAGD_BUILDDIR/ragd" -t -c "$T/ragd.conf" --data-dir "$RAGD_SRCDIR/data"
has "with the name" "$OUT" "nobody"
configure ranker
sed -i 's/inference = "extract"/inference = "ranker"/' "$T/ragd.conf"
exits "it answers nobody" 1 "$RAGD_BUILDDIR/ragd" -t -c "$T/ragd.conf" --data-dir "$RAGD_SRCDIR/data"
has "and that is said" "$OUT" 'the model of "ranker" writes no text'
