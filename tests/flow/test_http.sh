#!/bin/bash
# Web pages get nothing through a forwarder, one user's flood costs others nothing, memory comes back, and
# what goes wrong on our side is found in the log.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
crowd=$RAGD_SRCDIR/tests/flow/http_crowd.py
cat >"$T/ragd.conf" <<CONF
ragd {
	mode = 0666
	allowed_origins = { "https://chat.example.org" }
}
limits {
	body = 4MiB
	bodies = 32MiB
	connections = 100
	replies = 64MiB
}
CONF
chmod 711 "$T"
start_ragd -c "$T/ragd.conf" || exit 1

metric() { api /metrics | sed -n "s/^$1 //p"; }
status_of() { curl -s -o "$T/reply" -w '%{http_code}' --max-time "$HANG_S" "$@"; }

echo "-- through a forwarder"
python3 "$crowd" forward "$SOCKET" "$T/port" &
forwarder=$!
check "there is one" wait_for test -s "$T/port"
url=http://127.0.0.1:$(cat "$T/port")
line='{"id":"planted","text":"The password is swordfish."}'
is "a program gets in" "$(status_of "$url/healthz")" 200
is "also as localhost" "$(status_of "${url/127.0.0.1/localhost}/v1/models")" 200
# page NAME [CURL ARGUMENT…]: what a browser sends without asking first.
page() {
	local name=$1
	shift
	is "$name plants no document" "$(status_of "$url/v1/collections/default/documents" "$@" -H 'Content-Type: text/plain' -d "$line")" 403
	has "$name is told in our words" "$(cat "$T/reply")" '"code":"forbidden"'
	is "$name reloads nothing" "$(status_of "$url/v1/admin/reload" "$@" -H 'Content-Type: text/plain' -d '')" 403
	is "$name asks nothing" "$(status_of "$url/v1/chat/completions" "$@" -H 'Content-Type: text/plain' -d '{"messages":[{"role":"user","content":"hi"}]}')" 403
	is "$name reads nothing" "$(status_of "$url/v1/collections/default/documents" "$@")" 403
}
page "another site" -H 'Origin: https://evil.example'
page "a sandboxed frame" -H 'Origin: null'
page "a page of another port here" -H 'Origin: http://localhost:3000'
page "a name that was bound to this address" -H 'Host: evil.example'
page "an image" -H 'Sec-Fetch-Site: cross-site'
is "an allowed site gets in" "$(status_of "$url/v1/models" -H 'Origin: https://chat.example.org')" 200
is "there is no document" "$(api /v1/collections/default/documents | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["data"]))')" 0
has "there was no reload" "$(api /v1/status)" '"generation":1'
is "all were counted" "$(metric ragd_foreign_total)" 20
kill "$forwarder"

if has_plugin inference_upstream; then
echo "-- what went wrong on our side"
"$RAGD_BUILDDIR/ragd" --print-defaults | sed 's/inference = .*/inference = "remote"/' >"$T/remote.conf"
cat >>"$T/remote.conf" <<CONF
plugin "remote" {
	module = "inference_upstream"
	endpoints = { "unix:$T/nobody" }
	model = "any"
	retries = 0
}
CONF
stop_ragd
start_ragd -c "$T/remote.conf" || exit 1
printf 'The pump stands in the cellar.\n' >"$T/pump.txt"
is "a document is added" "$(status_of --unix-socket "$SOCKET" http://ragd/v1/collections/default/documents/pump.txt -T "$T/pump.txt")" 201
reply=$(api /v1/chat/completions -i -d '{"messages":[{"role":"user","content":"Where does the pump stand?"}]}')
has "a model that is not there is our fault" "$reply" "HTTP/1.1 50"
id=$(sed -n 's/^X-Request-Id: \([A-Za-z0-9-]*\).*/\1/p' <<<"$reply")
has "its request id is in the log" "$(grep request-failed "$T/ragd.log")" "request=$id"
has "with the error" "$(grep "request=$id" "$T/ragd.log")" "$(sed -n 's/.*"code":"\([a-z_]*\)".*/\1/p' <<<"$reply")"
api /v1/collections/default/documents/pump.txt -X DELETE >/dev/null
stop_ragd
start_ragd -c "$T/ragd.conf" || exit 1
fi

echo "-- what somebody stored is no page of ours"
page=http://ragd/v1/collections/default/documents/page.html
is "a page is added" "$(status_of --unix-socket "$SOCKET" "$page" -X PUT -H 'Content-Type: text/html' -d '<script>alert(1)</script>')" 201
reply=$(api /v1/collections/default/documents/page.html/content -i)
has "it is what it was" "$reply" '<script>alert(1)</script>'
has "a browser runs nothing of it" "$reply" "Content-Security-Policy: sandbox; default-src 'none'"
has "and does not show it" "$reply" "Content-Disposition: attachment"
has "it is taken for no other type" "$reply" "X-Content-Type-Options: nosniff"
has "nor is any other reply" "$(api /v1/models -i)" "X-Content-Type-Options: nosniff"
api /v1/collections/default/documents/page.html -X DELETE >/dev/null

echo "-- memory"
rss() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$RAGD_PID/status"; }
yes "The pump stands in the cellar beside the boiler." | head -c 4000000 >"$T/big.txt"
is "a large document is added" "$(status_of --unix-socket "$SOCKET" http://ragd/v1/collections/default/documents/big.txt -T "$T/big.txt")" 201
before=$(rss)
mkfifo "$T/hold"
# flood ARGUMENT…: of http_crowd.py.
flood() {
	rm -f "$T/ready"
	python3 "$crowd" "$@" <"$T/hold" &
	flooder=$!
	exec 9>"$T/hold"
	wait_for test -s "$T/ready" || return 1
	cat "$T/ready" && echo
}
flood_end() {
	exec 9>&-
	wait "$flooder"
}
quiet() { [ "$(metric ragd_connections)" = 1 ]; }
check "clients ask for it and read nothing" flood unread "$SOCKET" 60 /v1/collections/default/documents/big.txt/content "$T/ready"
check "some were refused" grep -q "refused=[1-9]" "$T/ready"
is "others are served" "$(status_of --unix-socket "$SOCKET" http://ragd/v1/models)" 200
peak=$(rss)
flood_end
check "they go" wait_for quiet
small() { [ "$(rss)" -le $(((before + peak) / 2)) ]; }
case ${RAGD_WRAPPER:-}$(ldd "$RAGD_BUILDDIR/ragd" "$RAGD_BUILDDIR/.libs/ragd" 2>/dev/null) in
*valgrind* | *asan*) echo "(an allocator of its own keeps the memory)" ;;
*) check "and their memory goes back to the kernel ($before MiB before, $peak with them)" wait_for small ;;
esac

echo "-- a flood of another user"
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || { echo "(not root: no other user)"; exit 0; }
chmod 777 "$T"
as() { local uid=$1; shift; setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"; }
export CROWD_UID=4321
check "he opens connections" flood hold "$SOCKET" 100 "$T/ready"
is "another still gets in" "$(as 4322 curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" http://ragd/healthz)" 200
is "so does root" "$(status_of --unix-socket "$SOCKET" http://ragd/healthz)" 200
reply=$(as 4321 curl -s -w '%{http_code}' --unix-socket "$SOCKET" http://ragd/healthz)
has "he does not, and is told why" "$reply" "You have as many connections as one user may"
has "with 429" "$reply" "429"
flood_end
check "they go" wait_for quiet
check "he sends bodies without an end" flood bodies "$SOCKET" 16 4 "$T/ready"
check "some were refused" grep -q "refused=[1-9]" "$T/ready"
head -c 4000000 /dev/zero | tr '\0' ' ' >"$T/body"
echo '{"input":"hello"}' >>"$T/body"
is "another's long body has room" "$(as 4322 curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" http://ragd/v1/moderations -d @"$T/body")" 200
has "his own has not" "$(as 4321 curl -s --unix-socket "$SOCKET" http://ragd/v1/moderations -d @"$T/body")" "Your requests have as many bytes"
is "a small one of his has" "$(as 4321 curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" http://ragd/v1/moderations -d '{"input":"x"}')" 200
flood_end
