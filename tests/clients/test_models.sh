#!/bin/bash
# A real model behind the real daemon, set as docs/models.md says; and what the doctor says of it.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
need_plugin inference_gguf
command -v curl >/dev/null || skip "curl is missing"
model=$shared/models/llm/stories260K/stories260K-Q8_0.gguf
[ -f "$model" ] || skip "no $model"

mkdir "$T/models"
cp "$model" "$T/models/small.gguf"
# What runs without a file, less its assistant, and the guide's plugin and assistant.
"$RAGD_BUILDDIR/ragd" --print-defaults | sed '/^assistant /,/^}/d' >"$T/ragd.conf"
sed -n '/^## Setting it/,/^## Memory/{/^plugin/,/^```$/p}' "$RAGD_SRCDIR/docs/models.md" |
	sed '/^```$/d; s|"/var/lib/ragd/models/.*"|"models/small.gguf"|' >>"$T/ragd.conf"
has "the guide has a configuration" "$(cat "$T/ragd.conf")" 'module = "inference_gguf"'
exits "it holds" 0 "$RAGD_BUILDDIR/ragd" -t -c "$T/ragd.conf" --data-dir "$RAGD_SRCDIR/data"

start_ragd -c "$T/ragd.conf" || exit 1
exits "the doctor finds nothing missing" 0 rag doctor
has "it names the model" "$OUT" "assistant default: stories"
has "it weighs it" "$OUT" "the models take 0.0 GiB"
has "it looks at the processor" "$OUT" "processor"
hasnt "it asks for no other" "$OUT" "to answer in sentences of its own"
rm "$T/models/small.gguf"
exits "the doctor misses a file that went away" 1 rag doctor
has "it says what that means" "$OUT" "models/small.gguf: No such file or directory; the daemon still has it open"
stop_ragd

"$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" \
	-c "$T/ragd.conf" >"$T/out" 2>&1 </dev/null && fail "ragd starts without its model"
has "without it ragd does not start, and says so" "$(cat "$T/out")" "small.gguf"
exits "then the doctor tells where to look" 1 rag doctor
has "in the log" "$OUT" "its log says why"
exit 0
