# Sourced by the flow tests: a real ragd of the build tree with its own socket and state, and checks.
# shellcheck shell=bash
# shellcheck source=tests/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/../checks.sh"
shared=$RAGD_SRCDIR/../shared
SOCKET=$T/ragd.sock
RAGD_PID=
# A sandboxed HOME: no test may find the user's own configuration or daemon.
export HOME=$T XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state XDG_RUNTIME_DIR=$T/run RAGD_SOCKET=$SOCKET
mkdir -p "$T/run" && chmod 700 "$T/run"
RAGD_PLUGIN_PATH=$(printf '%s:' "$RAGD_BUILDDIR"/plugins/*/.libs "$RAGD_BUILDDIR"/plugins/examples/*/.libs)
export RAGD_PLUGIN_PATH=${RAGD_PLUGIN_PATH%:}

HANG_S=200 # what takes so long does not come, however slow the machine

# Stop what runs, and look for what it has to say of itself.
finish() {
	local rc=$?
	stop_ragd
	if grep -E 'Sanitizer|runtime error:|^==[0-9]+==' "$T/ragd.log" 2>/dev/null; then
		n_failed=$((n_failed + 1))
		echo "NOT OK: a sanitizer or Valgrind has something to say, see above"
	fi
	checks_end "$rc"
}
trap finish EXIT

# has_plugin NAME: is it built? Parts of ragd are left out on request.
has_plugin() { [ -e "$RAGD_BUILDDIR/plugins/$1/.libs/$1.so" ]; }
need_plugin() { has_plugin "$1" || skip "this build has no $1"; }
fail() { n_failed=$((n_failed + 1)); echo "NOT OK: $*"; [ -s "$T/ragd.log" ] && tail -n 5 "$T/ragd.log"; return 0; }

# exits NAME STATUS COMMAND…: with that exit status; its output is in $OUT.
exits() {
	local name=$1 want=$2 rc=0
	shift 2
	OUT=$("$@" 2>&1) || rc=$?
	if [ "$rc" = "$want" ]; then pass "$name"; else fail "$name: exit $rc, want $want: $OUT"; fi
}

# wait_for COMMAND…: until it succeeds; gives up after HANG_S.
wait_for() {
	local end=$((SECONDS + HANG_S))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

healthy() { curl -sf --max-time 5 --unix-socket "$SOCKET" http://ragd/healthz; }

# start_ragd [ARGUMENT…]: in the background; RAGD_PID, log in $T/ragd.log. RAGD_WRAPPER (valgrind …) goes first.
start_ragd() {
	# shellcheck disable=SC2086
	${RAGD_WRAPPER:-} "$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" \
		--data-dir "$RAGD_SRCDIR/data" "$@" >"$T/ragd.out" 2>>"$T/ragd.log" </dev/null &
	RAGD_PID=$!
	started() { healthy || ! kill -0 "$RAGD_PID" 2>/dev/null; }
	wait_for started
	kill -0 "$RAGD_PID" 2>/dev/null || { echo "ragd did not start:"; cat "$T/ragd.log"; return 1; }
}

# stop_ragd [SIGNAL]: and wait; its exit status is in RAGD_STATUS.
stop_ragd() {
	RAGD_STATUS=
	[ -n "$RAGD_PID" ] || return 0
	kill -"${1:-TERM}" "$RAGD_PID" 2>/dev/null
	wait "$RAGD_PID" 2>/dev/null
	RAGD_STATUS=$?
	RAGD_PID=
}

rag() { "$RAGD_BUILDDIR/rag" "$@"; }
# api PATH [CURL ARGUMENT…]: a request to the socket.
api() {
	local path=$1
	shift
	curl -s --max-time "$HANG_S" --unix-socket "$SOCKET" "http://ragd$path" "$@"
}
