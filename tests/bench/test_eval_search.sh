#!/bin/bash
# eval_search.py: its figures on corpora whose ranks are known.
# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"
trap 'checks_end $?' EXIT
command -v python3 >/dev/null || skip "python3 is missing"
export TMPDIR=$T

# evaluate FOLDER [OPTION…]: by words alone; each figure on a line, its name and its value.
evaluate() {
	python3 "$RAGD_SRCDIR/tests/bench/eval_search.py" "$RAGD_BUILDDIR" "$@" --vectors none | tr -s ' '
}

# A query each whose relevant document is the first, the second and not found, and one without judgements.
mkdir -p "$T/beir" "$T/qa/docs"
cat >"$T/beir/corpus.jsonl" <<'LINES'
{"id": "pear", "title": "", "text": "Pear, pear, pear."}
{"id": "basket", "title": "", "text": "A basket holds a pear, some grapes, bread and cheese for the whole afternoon."}
{"id": "river", "title": "", "text": "The river floods each spring."}
LINES
cat >"$T/beir/queries.jsonl" <<'LINES'
{"id": "q1", "text": "river"}
{"id": "q2", "text": "pear"}
{"id": "q3", "text": "glacier"}
{"id": "q4", "text": "bread"}
LINES
printf 'query-id\tcorpus-id\tscore\nq1\triver\t1\nq1\tpear\t0\nq2\tbasket\t2\nq3\triver\t1\n' >"$T/beir/qrels.tsv"
out=$(evaluate "$T/beir" --out "$T/run")
has "all of it is added" "$out" "3 passages, 0 vectors"
has "queries without judgements are not asked" "$out" "3 questions"
has "nDCG@10: (1 + 1/log2(3) + 0) / 3" "$out" "nDCG@10 0.5436"
has "recall" "$out" "recall@100 0.6667"
has "MRR: (1 + 1/2 + 0) / 3" "$out" "MRR@10 0.5000"
has "how long searches took" "$out" " ms, "
is "the run, in the order of the hits" "$(cut -d' ' -f1-4 "$T/run" | tr '\n' ';')" \
	"q1 Q0 river 1;q2 Q0 pear 1;q2 Q0 basket 2;"

printf '{"id": "q2", "text": "cheese"}\n' >"$T/other.jsonl"
has "queries of another file" "$(evaluate "$T/beir" --queries "$T/other.jsonl")" "nDCG@10 1.0000"

# Two documents of one passage each; the third question has no answer.
printf 'Harbours freeze.\nShips wait for the thaw.\n' >"$T/qa/docs/a.txt"
printf 'Ships are built of oak.\n' >"$T/qa/docs/b.txt"
cat >"$T/qa/qa.jsonl" <<'LINES'
{"id": "1", "question": "oak", "answerable": true, "gold": [{"doc": "b.txt", "start": 0, "end": 22}]}
{"id": "2", "question": "oak ships", "answerable": true, "gold": [{"doc": "a.txt", "text": "freeze. Ships"}]}
{"id": "3", "question": "harbour", "answerable": true, "gold": [{"doc": "a.txt", "start": 500, "end": 510}]}
{"id": "4", "question": "thaw", "answerable": false, "gold": []}
LINES
out=$(evaluate "$T/qa" --depth 20)
has "passage in the first" "$out" "passage in the first 1 0.3333"
has "passage in the first 3" "$out" "passage in the first 3 0.6667"
has "document first" "$out" "document first 0.6667"
has "MRR of passages" "$out" "MRR@20 0.5000"

echo 'plugin "hybrid" { module = "no_such_module" }' >"$T/bad.conf"
check "a daemon that does not start is no result" test -z "$(evaluate "$T/beir" --config "$T/bad.conf" 2>/dev/null)"
is "nothing is left behind" "$(find "$T" -name 'ragd-eval-*')" ""
