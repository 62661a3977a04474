#!/bin/bash
# The official OpenAI SDK for Python against the real daemon. tests/sdk/run calls it, with the SDK's python.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
[ -n "${SDK_PYTHON:-}" ] || skip "tests/sdk/run brings the SDK"
need_plugin inference_gguf

mkdir "$T/docs"
cat >"$T/docs/pool.md" <<'DOC'
# Thread pool

The pool runs work that would block the loop.

Its default size is 4 threads, but it can be changed at startup with the variable POOL_SIZE. The
absolute maximum is 1024 threads.
DOC
start_ragd || exit 1
exits "a document is added" 0 rag add "$T/docs"
check "the SDK gets on with the daemon" "$SDK_PYTHON" "$RAGD_SRCDIR/tests/sdk/test_openai.py" 2>&1

awk '/^```python$/ { on = 1; next } /^```/ { on = 0 } on' "$RAGD_SRCDIR/docs/clients.md" |
	sed 's/Which signal makes ragd read its configuration again/What is the default size of the pool/' >"$T/guide.py"
exits "the program in docs/clients.md runs" 0 "$SDK_PYTHON" "$T/guide.py"
has "and answers" "$OUT" "4 threads"
has "with what it rests on" "$OUT" "Thread pool ragd:/collections/default/documents/pool.md?"
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0
