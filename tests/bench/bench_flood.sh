#!/bin/bash
# What one user's flood costs another, see bench_flood.py.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
trap 'stop_ragd; rm -rf "$T"' EXIT
[ "$(id -u)" = 0 ] || skip "as_user.py needs root"
ulimit -n 8192
chmod 755 "$T"
cat >"$T/ragd.conf" <<CONF
ragd { mode = 0666 }
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" }
plugin "grounding" { module = "safety_grounding" }
policy "balanced" { filters = { "basic", "grounding" } }
collection "handbook" { mode = 0644 }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "balanced" }
CONF
start_ragd -c "$T/ragd.conf" || exit 1
rag add -c handbook "$RAGD_SRCDIR/docs" >/dev/null || exit 1
python3 "$RAGD_SRCDIR/tests/bench/bench_flood.py" "$SOCKET" "${BENCH_SECONDS:-8}"
