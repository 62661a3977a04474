#!/bin/bash
# rag on a terminal: wrapping, colours, progress, line editing, Ctrl-C.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
python3 -c 'import os; os.openpty()' 2>/dev/null || skip "this machine gives no terminals"

cat >"$T/ragd.conf" <<'CONF'
plugin "echo" { module = "inference_echo" }
plugin "slow" { module = "inference_echo" delay = 2s prefix = "Slowly: " }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" }
policy "open" { filters = { "basic" } }
collection "default" { }
assistant "default" { inference = "echo" retrieval = "" policy = "open" grounded = no }
assistant "slow" { inference = "slow" retrieval = "" policy = "open" grounded = no }
CONF
start_ragd -c "$T/ragd.conf" || exit 1
check "all of it" python3 "$RAGD_SRCDIR/tests/clients/terminal.py" "$RAGD_BUILDDIR/rag" "$T"
