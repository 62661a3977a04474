#!/bin/bash
# The engine beside llama.cpp: the same files, threads and minutes, and the ratios.
#
#   RAGD_BENCH_MODELS=DIR  model files of real shapes with random weights (1b-q8_0.gguf …); those that are missing
#                          are made by the shared make_random_gguf.py (python3 with numpy, some minutes each)
#   RAGD_PEER=DIR          llama.cpp's shared libraries; without them there are no ratios. They come, for instance,
#                          with `npm pack @node-llama-cpp/linux-x64`: package/bins/linux-x64
#   RAGD_BENCH_RUNS=N      runs of each, 2
set -u
RAGD_SRCDIR=${RAGD_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
RAGD_BUILDDIR=${RAGD_BUILDDIR:-$PWD}
models=${RAGD_BENCH_MODELS:-}
runs=${RAGD_BENCH_RUNS:-2}
make_random=$RAGD_SRCDIR/../shared/tools/make_random_gguf.py
[ -n "$models" ] || { echo "RAGD_BENCH_MODELS names no folder for model files: left out"; exit 0; }
mkdir -p "$models" || exit 1

# need FILE: is there, or is made.
need() {
	local shape=llama-${1%%-*} type=${1#*-}
	[ -r "$models/$1" ] && return
	[ -r "$make_random" ] || { echo "$1 is not there and cannot be made"; return 1; }
	"${PYTHON3:-python3}" "$make_random" --shape "$shape" --type "${type%.gguf}" --out "$models/$1" >/dev/null
}

peer() { # FILE MEASURE…
	local file=$1
	shift
	[ -n "${RAGD_PEER:-}" ] || { echo '{}'; return; }
	LD_LIBRARY_PATH=$RAGD_PEER "$RAGD_BUILDDIR/tests/bench/peer" "$RAGD_PEER" "$file" 2 "$runs" "$@" 2>/dev/null
}

value() { sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" <<<"$1"; } # JSON NAME
row() { # NAME OURS THEIRS [MORE-IS-WORSE]
	awk -v name="$1" -v ours="$2" -v theirs="$3" -v worse="${4:-}" 'BEGIN {
		ratio = peer = "-"
		if (theirs + 0 > 0) {
			peer = sprintf("%.1f", theirs)
			ratio = sprintf("%.2f", worse ? theirs / ours : ours / theirs)
		}
		printf("%-28s %10.1f %10s %8s\n", name, ours, peer, ratio) }'
}

printf '%-28s %10s %10s %8s\n' "2 threads" ragd llama.cpp ratio
for type in q8_0 q4_0 q4_k_m f16; do
	need "1b-$type.gguf" || continue
	theirs=$(peer "$models/1b-$type.gguf" pp512 pp128 tg64)
	ours=$("$RAGD_BUILDDIR/ragd-model" bench -m "$models/1b-$type.gguf" -p 512 -n 64 -t 2 --runs "$runs" --json) || exit 1
	short=$("$RAGD_BUILDDIR/ragd-model" bench -m "$models/1b-$type.gguf" -p 128 -n 1 -t 2 --runs "$runs" --json) || exit 1
	row "1b-$type pp512, tokens/s" "$(value "$ours" prefill)" "$(value "$theirs" pp512)"
	row "1b-$type pp128" "$(value "$short" prefill)" "$(value "$theirs" pp128)"
	row "1b-$type tg64" "$(value "$ours" decode)" "$(value "$theirs" tg64)"
	printf '  of the peak %.0f %%, of the bandwidth %.0f %%\n' "$(value "$ours" prefill_share)e2" "$(value "$ours" decode_share)e2"
done
need 1b-q4_k_m.gguf || exit 0
theirs=$(peer "$models/1b-q4_k_m.gguf" ttft3000)
cold=$("$RAGD_BUILDDIR/tests/bench/bench_serve" -m "$models/1b-q4_k_m.gguf" -t 2 cold)
row "1b-q4_k_m first of 3,000, ms" "$(sed -n 's/.*after \([0-9]*\) ms.*/\1/p' <<<"$cold")" "$(value "$theirs" ttft3000)" worse
"$RAGD_BUILDDIR/tests/bench/bench_serve" -m "$models/1b-q4_k_m.gguf" -t 2 seen gap batch busy
need 110m-q8_0.gguf && "$RAGD_BUILDDIR/tests/bench/bench_serve" -m "$models/110m-q8_0.gguf" -t 2 -k q8_0 rss
