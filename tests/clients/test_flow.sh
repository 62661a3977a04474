#!/bin/bash
# rag against the real daemon: documents in, answers out, what fails says why.
. "$RAGD_SRCDIR/tests/flow/lib.sh"

mkdir -p "$T/docs/deep" "$T/docs/.git"
cat >"$T/docs/pool.md" <<'DOC'
# Thread pool

The pool runs work that would block the loop.

## Size

The default size of the thread pool is 4 threads. The absolute maximum is 1024 threads.
DOC
cat >"$T/docs/deep/birds.txt" <<'DOC'
Ducks are birds that swim. The largest duck weighs nine kilograms.
DOC
cat >"$T/docs/deep/page.html" <<'DOC'
<html><head><title>Cats</title></head><body><h1>Cats</h1><p>Cats sleep for sixteen hours a day.</p></body></html>
DOC
echo secret >"$T/docs/.git/config"
printf 'a\0b' >"$T/binary"
printf 'caf\xe9 is not UTF-8 here' >"$T/latin1.txt"
mkfifo "$T/pipe"

exits "without a daemon doctor says so" 1 rag doctor
has "and what to do" "$OUT" "ragd --user"
exits "and so does ask" 1 rag ask hello
has "with where it looked" "$OUT" "$SOCKET"

start_ragd || exit 1

exits "doctor finds nothing missing" 0 rag doctor
has "but that there are no documents" "$OUT" "rag add FOLDER"
exits "status" 0 rag status
has "has the version" "$OUT" "version"
exits "about" 0 rag about
has "says that this is AI" "$OUT" "AI"
exits "plugins" 0 rag plugins
has "lists the retrieval" "$OUT" "retrieval_hybrid"

exits "a folder is added" 0 rag add "$T/docs"
is "each file once, hidden ones not" "$OUT" "added 3, updated 0, unchanged 0, failed 0"
exits "again" 0 rag add "$T/docs"
is "nothing changed" "$OUT" "added 0, updated 0, unchanged 3, failed 0"
echo "Geese are birds, too." >>"$T/docs/deep/birds.txt"
is "one changed" "$(rag add "$T/docs")" "added 0, updated 1, unchanged 2, failed 0"
is "the changed one is found at once" "$(rag search --json geese | grep -c deep/birds.txt)" 1

exits "what cannot be added" 1 rag add "$T/binary" "$T/latin1.txt" "$T/pipe" "$T/none" "$T/docs/pool.md"
has "a binary" "$OUT" "binary: binary, not text"
has "invalid UTF-8" "$OUT" "latin1.txt: "
has "a FIFO" "$OUT" "pipe: a FIFO, not a file"
has "a missing one" "$OUT" "none: there is no such file or folder"
has "and the good one is in" "$OUT" "unchanged 1, failed 4"

exits "from standard input" 0 bash -c "echo 'Owls hunt at night.' | '$RAGD_BUILDDIR/rag' add --id owls.txt --title Owls -"
is "one" "$OUT" "added 1, updated 0, unchanged 0, failed 0"
printf '%s\n' '{"id":"j1","title":"J","text":"Jays hide acorns in autumn."}' 'oops' >"$T/lines.jsonl"
exits "JSON lines, one of them bad" 1 rag add -c lines --jsonl "$T/lines.jsonl"
has "it is named" "$OUT" "lines.jsonl line 2: not JSON"
has "the other is in" "$OUT" "added 1, updated 0, unchanged 0, failed 1"
is "in the collection that was made" "$(rag search -c lines --json acorns | grep -c '"document": *"j1"')" 1

# A thousand small ones and a big one: batches, pages of the list, several requests at once.
mkdir "$T/many"
for i in $(seq 1100); do echo "Document number $i is about topic-$i." >"$T/many/$i.txt"; done
yes "A long line of words about nothing in particular, again and again." | head -c 3000000 >"$T/many/big.txt"
is "many at once" "$(rag add -c many "$T/many" | head -n 1)" "added 1101, updated 0, unchanged 0, failed 0"
is "and again" "$(rag add -c many -j 8 "$T/many" | head -n 1)" "added 0, updated 0, unchanged 1101, failed 0"
is "all are listed" "$(rag list many | tail -n +2 | wc -l)" 1101
rm "$T/many/7.txt" "$T/many/8.txt"
is "what is gone goes" "$(rag add -c many --delete "$T/many" | head -n 1)" \
	"added 0, updated 0, unchanged 1099, failed 0, removed 2"

exits "a collection is shared" 0 rag collection many --mode 0644
has "as of a file" "$OUT" "mode 0644"
has "list shows it" "$(rag list)" "many"
exits "a collection that is not there" 1 rag list nowhere
exits "a document is removed" 0 rag rm owls.txt
exits "and is gone" 1 rag rm owls.txt
exits "a collection is removed" 0 rag rm --all --force -c many
hasnt "it is gone" "$(rag list)" "many"

exits "a question is answered" 0 rag ask -v "What is the default size of the thread pool?"
has "with the number" "$OUT" "4 threads"
has "its mark" "$OUT" "[1]"
has "its source" "$OUT" "(pool.md, bytes "
has "the label" "$OUT" "AI-generated from your documents; check the sources."
has "what to rate it by" "$OUT" "rag feedback ans-"
id=$(grep -o 'ans-[a-z0-9]*' <<<"$OUT")
exits "it is rated" 0 rag feedback "$id" up --comment good
exits "an answer that nobody got is not" 1 rag feedback ans-none up
exits "export" 0 rag feedback --export
has "has the rating" "$OUT" "$id"
exits "from standard input" 0 bash -c "echo 'What is the default size of the thread pool?' | '$RAGD_BUILDDIR/rag' ask"
exits "as JSON" 0 rag ask --json "What is the default size of the thread pool?"
has "the reply itself" "$OUT" '"ai_generated":true'
exits "one that the documents do not answer" 3 rag ask "Who won the chess championship of 1927?"
exits "an assistant that is not there" 1 rag ask -a nobody hello
has "says so" "$OUT" "nobody"
exits "a search without a hit" 3 rag search xylophone-quartz

out=$(printf '%s\n' '{"id":"a","text":"What is the default size of the thread pool?"}' \
	'{"id":"b","question":"Who won the chess championship of 1927?"}' | rag ask --batch)
is "a batch keeps the order" "$(cut -c1-9 <<<"$out" | tr '\n' ' ')" '{"id":"a" {"id":"b" '
has "with citations" "$out" '"document":"pool.md"'
has "and abstains" "$out" '"abstained":true'
out=$(echo '{"id":"q","text":"ducks and birds"}' | rag search --batch)
has "a run has its form" "$out" "q Q0 deep/birds.txt 1 "

exits "moderate a text" 0 rag moderate --stage response "my card is 4111 1111 1111 1111"
has "it is redacted" "$OUT" "redact"
hasnt "the number is gone" "$OUT" "4111 1111 1111 1111"
out=$(echo '{"id":1,"text":"hello there"}' | rag moderate)
has "lines" "$out" '{"id":1,"action":"allow",'

out=$(printf 'What is the default size of the thread pool?\n/sources\n/quit\n' | rag chat)
has "chat answers" "$out" "4 threads"
has "and shows its sources" "$out" "[1] pool.md in default, bytes"

exits "reload" 0 rag reload
exits "completion knows the collections" 0 rag --complete list d
is "from the daemon" "$OUT" default

# The completion itself, in a shell that has it.
out=$(PATH=$RAGD_BUILDDIR:$PATH bash -c '
	. "$RAGD_BUILDDIR/packaging/bash/rag"
	try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _rag 2>/dev/null; echo "${COMPREPLY[*]}"; }
	try rag fee; try rag ask --col; try rag ask -c d')
is "bash completes" "$out" "feedback
--collection --color
default"

# What docs/clients.md shows does what it says.
doc=$RAGD_SRCDIR/docs/clients.md
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$doc" >"$T/ask.c"
built_with() { sed -n "s/^$1 = //p" "$RAGD_BUILDDIR/Makefile"; }
# shellcheck disable=SC2046
exits "the program in C compiles" 0 $(built_with CC) $(built_with SANITIZER_FLAGS) -Wall -Wextra -o "$T/ask" "$T/ask.c" -I"$RAGD_SRCDIR/include" \
	-L"$RAGD_BUILDDIR/.libs" -Wl,-rpath,"$RAGD_BUILDDIR/.libs" -lragd
exits "and answers" 0 "$T/ask" "What is the default size of the thread pool?"
has "with the text" "$OUT" "4 threads"
has "and the quote" "$OUT" '[1] pool.md: "'
if command -v curl >/dev/null; then
	cp "$T/docs/pool.md" "$T/notes.md"
	awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on && !/^(cc|\.\/)/' "$doc" >"$T/curl.sh"
	out=$(cd "$T" && timeout "$HANG_S" bash curl.sh 2>&1)
	has "curl gets a stream" "$out" "data: [DONE]"
	has "finds" "$out" '"object":"list"'
	has "adds one" "$out" '"id":"notes.md","status":"added"'
	has "adds lines, one of them bad" "$out" '"added":1,"updated":0,"unchanged":0,"failed":1'
	has "moderates" "$out" '"action":"redact"'
fi
