#!/bin/bash
# What search by meaning costs, with the default plugins and the encoder that ships: start and memory of a store full
# of vectors, the time of a search and of an answer's first byte (bench_latency.c), and the same two while many more
# passages are being embedded, as ratios to idle in the same run.
#
#   RAGD_BENCH_PASSAGES=10000   passages in the store; embedding them takes minutes
#   RAGD_BENCH_MORE=20000       passages that are added for the second measurement; they need not get done
#   BENCH_SECONDS=10            of each measurement of latency
. "$RAGD_SRCDIR/tests/flow/lib.sh"
trap 'stop_ragd; rm -rf "$T"' EXIT
FILL_S=1800 # the most that embedding may take
bench=$RAGD_BUILDDIR/tests/bench
n_passages=${RAGD_BENCH_PASSAGES:-10000}
n_more=${RAGD_BENCH_MORE:-20000}
seconds=${BENCH_SECONDS:-10}

cat >"$T/ragd.conf" <<CONF
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" embedder = "encoder" }
plugin "encoder" { module = "inference_gguf" model = "ragd:encoders/all-MiniLM-L6-v2-Q8_0.gguf" }
plugin "basic" { module = "safety_basic" }
plugin "grounding" { module = "safety_grounding" }
policy "balanced" { filters = { "basic", "grounding" } }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "balanced" }
CONF

load() { cut -d' ' -f1 /proc/loadavg; }
ready_ms() { sed -n 's/.*ready_ms=\([0-9]*\).*/\1/p' "$T/ragd.log" | tail -n 1; }
memory() {
	awk '/^VmRSS/ { rss = $2 } /^RssFile/ { file = $2 } /^Pss:/ { pss = $2 }
		END { printf "%.1f MB resident (%.1f of files), %.1f MB in proportion", rss / 1024, file / 1024, pss / 1024 }' \
		"/proc/$RAGD_PID/status" "/proc/$RAGD_PID/smaps_rollup"
}
waiting() { rag status --json | sed -n 's/.*"waiting": *\([0-9]*\).*/\1/p' | head -n 1; }
embedded() { [ "$(waiting)" = 0 ]; }
# megabytes N: of the made corpus that are N passages.
megabytes() { awk -v n="$1" 'BEGIN { printf "%.2f", n * .000754 }'; }
latency() { "$bench/bench_latency" "$SOCKET" "$1" <"$T/questions"; }
show() { awk -v what="$1" '{ printf "%s: %-10s p50 %6.2f ms, p95 %6.2f ms (%d)\n", what, $1, $2 / 1000, $3 / 1000, $4 }' "$2"; }

has_plugin inference_gguf || { echo "SKIP: this build has no inference_gguf"; exit 0; }
"$bench/corpus_files" questions 300 >"$T/questions" || { echo "SKIP: no documents to make a corpus of"; exit 0; }
mkdir "$T/docs" "$T/more"
mb=$(megabytes "$n_passages")
"$bench/corpus_files" "$T/docs" 0 "$mb" || exit 1
"$bench/corpus_files" "$T/more" "$mb" "$(megabytes $((n_passages + n_more)))" || exit 1

start_ragd -c "$T/ragd.conf" || exit 1
stop_ragd
start_ragd -c "$T/ragd.conf" || exit 1
echo "empty: ready in $(ready_ms) ms, $(memory); load $(load)"
rag add -q "$T/docs" || exit 1
begin=$SECONDS
until embedded; do
	[ $((SECONDS - begin)) -lt "$FILL_S" ] || { echo "not embedded within $FILL_S s"; exit 1; }
	sleep 1
done
echo "full: embedded in $((SECONDS - begin)) s, $(memory); load $(load)"
for _ in 1 2 3; do
	stop_ragd
	start_ragd -c "$T/ragd.conf" || exit 1
	echo "full: ready in $(ready_ms) ms, $(memory); load $(load)"
done
latency 1 >/dev/null
echo "full: after searches, $(memory)"
latency "$seconds" >"$T/idle"
show "idle" "$T/idle"
echo "load $(load)"

rag add -q "$T/more" || exit 1
latency 1 >/dev/null
latency "$seconds" >"$T/busy"
show "while $(waiting) passages are embedded" "$T/busy"
paste -d' ' "$T/idle" "$T/busy" |
	awk '{ printf "ratio of %-10s p50 %.2f, p95 %.2f\n", $1, $6 / $2, $7 / $3 }'
echo "load $(load), $(memory)"
