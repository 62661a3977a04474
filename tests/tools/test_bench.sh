#!/bin/bash
# bench: figures that can be true.
. "$RAGD_SRCDIR/tests/tools/lib.sh"
need_models

m=$models/llm/tinystories-656K/tinystories-656K-Q8_0.gguf
field() { grep -oE "\"$1\":[-0-9.e+]+" <<<"$got" | head -n 1 | cut -d: -f2; }
between() { check "$1: $2" awk -v x="$2" -v lo="$3" -v hi="$4" 'BEGIN { exit !(x >= lo && x <= hi) }'; }

got=$(model bench -m "$m" -p 64 -n 8 -t 1 --runs 1 --json) || fail "bench"
between "prefill" "$(field prefill)" 1 1e9
between "decode" "$(field decode)" 0.1 1e8
between "bandwidth" "$(field bandwidth)" 1e6 1e13
between "floats" "$(field f32_peak)" 1e6 1e14
between "share of the bandwidth" "$(field decode_share)" 0 1000 # weights that fit the cache
between "share of the peak" "$(field prefill_share)" 0 1000 # measured with sanitizers in its loops, a peak is none
is "threads" "$(field threads)" 1
has "kernels" "$got" '"kernel":"'

got=$(model bench -m "$m" -p 0 -n 4 --batch 8 --runs 2 --json -t 1) || fail "bench --batch"
is "nothing to read" "$(field prefill)" 0.0
is "two runs" "$(grep -oE '"decode_runs":\[[^]]*' <<<"$got" | tr , '\n' | wc -l)" 2
is "together" "$(field batch)" 8
has "as text" "$(model bench -m "$m" -p 16 -n 0 --runs 1 -t 1)" "prefill"
refuses "nothing at all" 1 "nothing to read and nothing to write" bench -m "$m" -p 0 -n 0
refuses "more than the context" 1 "tokens, the context holds" bench -m "$m" -p 100000
