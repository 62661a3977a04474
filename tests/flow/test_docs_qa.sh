#!/bin/bash
# Real questions on real documents: libuv's manual. The cited passage lies in the gold document for at
# least 80 % of the questions.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
qa=$shared/retrieval/docs-qa-libuv
[ -d "$qa" ] || skip "the docs-qa-libuv collection is absent"
command -v python3 >/dev/null || skip "python3 is missing"
start_ragd || exit 1
exits "the manual is added" 0 rag add "$qa/docs"
rag ask --batch <"$qa/qa.jsonl" >"$T/answers.jsonl"
is "every question has a reply" "$(wc -l <"$T/answers.jsonl")" "$(wc -l <"$qa/qa.jsonl")"
check "at least 80 % cite the gold document" python3 "$RAGD_SRCDIR/tests/flow/docs_qa.py" "$qa/qa.jsonl" "$T/answers.jsonl"
exits "adding it again changes nothing" 0 rag add "$qa/docs"
has "and says so" "$OUT" "added 0, updated 0, unchanged 42"
