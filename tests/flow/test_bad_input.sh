#!/bin/bash
# Bad input: each with its own clear error, and nothing lost by it.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
start_ragd || exit 1
mkdir "$T/docs" && echo "The answer to everything is 42." >"$T/docs/answer.txt"
exits "a document is added" 0 rag add "$T/docs"

# refused NAME STATUS CODE PATH [CURL ARGUMENT…]
refused() {
	local name=$1 status=$2 code=$3 path=$4 out
	shift 4
	out=$(api "$path" -w '\n%{http_code}' "$@" 2>/dev/null)
	is "$name: status" "$(tail -n 1 <<<"$out")" "$status"
	has "$name: code" "$out" "\"code\":\"$code\""
}
chat=/v1/chat/completions
hi='{"role":"user","content":"hi"}'
refused "invalid JSON" 400 invalid_json $chat -d '{"messages":['
refused "no JSON at all" 400 invalid_json $chat -d 'hello'
refused "a wrong type" 400 invalid_value $chat -d '{"messages":"hi"}'
refused "a wrong type inside" 400 invalid_value $chat -d '{"messages":[{"role":"user","content":7}]}'
refused "no messages" 400 missing_value $chat -d '{}'
refused "an unknown role" 400 invalid_value $chat -d '{"messages":[{"role":"king","content":"hi"}]}'
refused "an empty question" 400 invalid_value $chat -d '{"messages":[{"role":"user","content":"  "}]}'
refused "a temperature out of range" 400 invalid_value $chat -d "{\"messages\":[$hi],\"temperature\":9}"
refused "an unknown assistant" 404 unknown_model $chat -d "{\"model\":\"nobody\",\"messages\":[$hi]}"
printf '{"messages":[{"role":"user","content":"a\xff\xfeb"}]}' >"$T/invalid"
refused "invalid UTF-8" 400 invalid_utf8 $chat --data-binary @"$T/invalid"
refused "an unknown path" 404 not_found /v1/nothing
refused "a wrong method" 405 method_not_allowed $chat
refused "an unknown collection" 404 unknown_collection /v1/collections/nobody/documents
refused "a search in an unknown collection" 404 unknown_collection /v1/search -d '{"query":"x","collections":["nobody"]}'
refused "a question to an unknown collection" 404 unknown_collection $chat -d "{\"messages\":[$hi],\"collections\":[\"nobody\"]}"
refused "a name that is none" 400 invalid_value "/v1/collections/UPPER/documents"
refused "an unknown document" 404 unknown_document /v1/collections/default/documents/none
refused "a search for nothing" 400 invalid_value /v1/search -d '{"query":" "}'
head -c 100000000 /dev/zero >"$T/large"
refused "100 MB" 413 body_too_large $chat --data-binary @"$T/large" -H 'Expect:'
refused "100 MB in chunks" 413 body_too_large $chat -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary @"$T/large"
head -c 20000 /dev/zero | tr '\0' a >"$T/header"
refused "a header without end" 431 headers_too_large /healthz -H "X-Long: $(cat "$T/header")"

echo "-- documents that cannot be taken; the good one beside them is"
head -c 4096 /dev/urandom >"$T/docs/binary.bin"
cp "$T/docs/binary.bin" "$T/docs/binary.txt"
printf 'caf\xe9 latin-1' >"$T/docs/latin1.txt"
echo "Ducks are birds." >"$T/docs/good.txt"
mkfifo "$T/docs/pipe"
echo secret >"$T/docs/unreadable.txt" && chmod 000 "$T/docs/unreadable.txt"
exits "add says that some failed" 1 rag add "$T/docs"
has "binary" "$OUT" "binary.txt"
has "invalid UTF-8 by its byte" "$OUT" "latin1.txt"
if [ "$(id -u)" != 0 ]; then has "a file without permission" "$OUT" "unreadable.txt"; fi
has "the good one is in" "$(rag search ducks)" "Ducks are birds"
has "and the first still is" "$(rag search everything)" "42"
exits "an empty question is a usage error" 2 rag ask ""
exits "a file that is not there" 1 rag add "$T/none"
has "says so" "$OUT" "no such file"
is "the daemon is well" "$(api /healthz)" '{"status":"ok"}'
