#!/bin/bash
# What the flow costs, see bench_flow.c: a real daemon with one assistant that echoes.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
trap 'stop_ragd; rm -rf "$T"' EXIT
cat >"$T/ragd.conf" <<CONF
plugin "echo" { module = "inference_echo" }
plugin "basic" { module = "safety_basic" }
policy "basic" { filters = { "basic" } }
assistant "echo" { inference = "echo" retrieval = "" policy = "basic" grounded = no }
CONF
start_ragd -c "$T/ragd.conf" || exit 1
"$RAGD_BUILDDIR/tests/bench/bench_flow" "$SOCKET" "${BENCH_SECONDS:-5}"
