#!/bin/bash
# One user takes all it can get of threads and queue; another and an administrator do not notice.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
[ "$(id -u)" = 0 ] || skip "only root can ask as several users"
stuck=$T/stuck
greedy=65531 other=65532

cat >"$T/a.conf" <<CONF
ragd { threads = 2 mode = 0666 }
limits { queue = 32 user_share = 90 }
plugin "echo" { module = "inference_echo" }
plugin "stuck" { module = "$RAGD_BUILDDIR/tests/flow/modules/stuck_filter.so" while = "$stuck" }
policy "stuck" { filters = { "stuck" } }
assistant "default" { inference = "echo" policy = "stuck" grounded = no }
CONF
chmod 711 "$T"
touch "$stuck"
start_ragd -c "$T/a.conf" || exit 1

requests() { timeout "$HANG_S" python3 "$RAGD_SRCDIR/tests/flow/requests.py" "$SOCKET" "$@"; } # UID N PATH BODY
refused() { [ "$(grep -c 429 "$T/greedy")" = "$1" ]; }

# flood PATH BODY HARMLESS: greedy's fill its share and stay; 27 of the 30 that are not for administrators.
flood() {
	: >"$T/greedy"
	requests $greedy 40 "$1" "$2" >"$T/greedy" &
	local flood=$!
	check "$1: one user gets its share of the queue" wait_for refused 13
	is "$1: another user is answered" "$(requests $other 1 "$1" "$3")" 200
	is "$1: as often as it asks" "$(requests $other 2 "$1" "$3" | sort -u)" 200
	is "$1: an administrator is answered" "$(requests 0 1 "$1" "$3")" 200
	is "$1: the user is not, beyond its share" "$(requests $greedy 1 "$1" "$3")" 429
	check "$1: and nothing of it has changed" refused 13
	rm "$stuck"
	wait "$flood"
	is "$1: all it had a place for is answered in the end" "$(grep -c 200 "$T/greedy")" 27
	touch "$stuck"
}

chat() { printf '{"model":"default","messages":[{"role":"user","content":"%s"}]}' "$1"; }
flood /v1/chat/completions "$(chat "please hang")" "$(chat hello)"
flood /v1/moderations '{"input":"please hang"}' '{"input":"hello"}'
is "then its places are free again" "$(requests $greedy 27 /v1/chat/completions "$(chat hello)" | sort -u)" 200
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0
