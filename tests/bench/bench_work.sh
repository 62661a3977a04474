#!/bin/bash
# Whether work grows with a request's bytes and no faster, see bench_work.py.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
trap 'stop_ragd; rm -rf "$T"' EXIT
[ "$(id -u)" = 0 ] || skip "as_user.py needs root"
cat >"$T/ragd.conf" <<CONF
limits { question = 8MiB request_timeout = 10min }
plugin "echo" { module = "inference_echo" }
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" deadline = 1h }
plugin "grounding" { module = "safety_grounding" }
policy "basic" { filters = { "basic" } }
policy "balanced" { filters = { "basic", "grounding" } }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "balanced" }
assistant "echo" { inference = "echo" retrieval = "" policy = "basic" grounded = no }
CONF
start_ragd -c "$T/ragd.conf" || exit 1
rag add "$RAGD_SRCDIR/docs" >/dev/null || exit 1
python3 "$RAGD_SRCDIR/tests/bench/bench_work.py" "$SOCKET" "$RAGD_PID"
