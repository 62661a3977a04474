#!/bin/sh
# The layer rules of the tree: which folder may include which, who may see uv.h, what a shared object
# exports. The rules are tried on planted violations first: a test that cannot fail proves nothing.
set -u
srcdir=${RAGD_SRCDIR:-.}
builddir=${RAGD_BUILDDIR:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# A literal that begins with a member: {"key": or ,"key": or "key":
json_by_hand='(^|[^\\])"[][}{,]*\\"[A-Za-z_]+\\":' # not {}, which find would fill in

# Every include of every C and C++ file in the tree $1, against the rules.
check_tree() {
	(cd "$1" && find include base engine retrieval safety upstream ipc daemon clients tools plugins \
		\( -name '*.[ch]' -o -name '*.cpp' -o -name '*.hpp' \) -exec \
		grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null {} + 2>/dev/null) |
		awk -v root="$1" -f "$srcdir/tests/layers.awk"
	(cd "$1" && find base engine retrieval safety upstream ipc daemon clients tools plugins \
		-name '*.[ch]' -exec grep -nE "$json_by_hand" /dev/null {} + 2>/dev/null) |
		sed 's|^\([^:]*:[0-9]*\):.*|\1: JSON is written by base/json_writer.h, not by hand|'
}

# Names that the dynamic table of $1 defines.
exports() {
	nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' |
		grep -vE '^(_init|_fini|_edata|_end|__bss_start|__(asan|ubsan|tsan|odr_asan)_.*|__start_.*|__stop_.*)$'
}

# Names that the archive of the convenience library $1 defines, or (-u) needs; none if it is not built.
archive() {
	[ ! -f "$builddir/.libs/lib$1.a" ] ||
		nm -g ${2:---defined-only} "$builddir/.libs/lib$1.a" 2>/dev/null |
		awk 'NF >= 2 && $(NF - 1) ~ /^[A-Za-z]$/ { print $NF }' | sort -u
}

# The library $1 calls nothing that a library beside or above it defines; archives hold base/ too.
check_archive() {
	lib=$1
	shift
	{ archive "$lib"; archive base; } | sort -u > "$tmp/known"
	archive "$lib" -u | comm -23 - "$tmp/known" > "$tmp/needs"
	case $lib in
	ipc|daemon) ;;
	*) grep '^uv_' "$tmp/needs" | sed "s/^/lib$lib calls libuv: /" ;;
	esac
	for other; do
		archive "$other" | comm -12 - "$tmp/needs" | sed "s/^/lib$lib calls lib$other: /"
	done
}

check_plugin() {
	got=$(exports "$1" | tr '\n' ' ')
	[ "$got" = 'ragd_plugin ' ] || echo "$1 exports '$got', not ragd_plugin alone"
}

check_objects() {
	for so in "$builddir"/plugins/*/.libs/*.so; do
		[ ! -f "$so" ] || check_plugin "$so"
	done
	for so in "$builddir"/.libs/libragd.so; do
		[ -f "$so" ] || continue
		exports "$so" | grep -v '^ragd_' | sed "s|^|$so exports a name that is not ragd_…: |"
	done
	check_archive base engine retrieval safety upstream ipc daemon
	check_archive engine retrieval safety upstream ipc daemon
	check_archive retrieval engine safety upstream ipc daemon
	check_archive safety engine retrieval upstream ipc daemon
	check_archive upstream engine retrieval safety ipc daemon
	check_archive ipc engine retrieval safety upstream daemon
	check_archive daemon engine retrieval safety upstream
}

# ---- the rules bite -------------------------------------------------------------------------------

failed=0
plant() { # file, its lines, what the complaint has to say; nothing: there is none
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/$(dirname "$1")"
	printf '%s\n' "$2" > "$tmp/tree/$1"
	got=$(check_tree "$tmp/tree")
	if [ -z "$3" ]; then
		[ -z "$got" ] || { echo "self-test: $1 with '$2' is fine, but: $got"; failed=1; }
	else
		printf '%s\n' "$got" | grep -qF "$3" || {
			echo "self-test: $1 with '$2' was not noticed: $got"; failed=1; }
	fi
}
plant engine/x.c '#include "daemon/service/log.h"' 'engine/x.c:1: engine/ may not include "daemon/service/log.h"'
plant engine/x.c '#include "safety/x.h"' 'engine/ may not include "safety/x.h"'
plant safety/deep/x.h '  #  include "ipc/http/http.h" /* why not */' 'safety/ may not include "ipc/http/http.h"'
plant retrieval/x.cpp '#include <uv.h>' 'uv.h is seen in'
plant plugins/a/x.c '#include <uv/version.h>' 'uv.h is seen in'
plant daemon/x.c '#include <jansson.h>' 'daemon/x.c:1: jansson.h is seen in'
plant plugins/a/x.c '# include <jansson.h>' 'jansson.h is seen in'
plant ipc/codec/x.c '#include <jansson.h>' ''
plant ipc/codec/x.c 'buf_adds(b, ",\"id\":");' 'ipc/codec/x.c:1: JSON is written by'
plant clients/x.c 'printf("{\"id\":\"%s\"}", id);' 'clients/x.c:1: JSON is written by'
plant clients/x.c '"read lines {\"id\",\"text\"}"' ''
plant retrieval/x.c '#include "../daemon/service/log.h"' 'may not include "../daemon/service/log.h"'
plant base/x.c '#include "engine/x.h"' 'base/ may not include "engine/x.h"'
plant daemon/x.c '#include "retrieval/store/store.h"' 'daemon/ may not include "retrieval/store/store.h"'
plant daemon/x.c '#include "upstream/upstream.h"' 'daemon/ may not include "upstream/upstream.h"'
plant upstream/x.c '#include "daemon/service/log.h"' 'upstream/ may not include "daemon/service/log.h"'
plant upstream/x.c '#include "ipc/client/client_sse.h"' 'upstream/ may not include "ipc/client/client_sse.h"'
plant upstream/x.c '#include "engine/x.h"' 'upstream/ may not include "engine/x.h"'
plant upstream/x.c '#include <uv.h>' 'uv.h is seen in'
plant upstream/x.c '#include "plugins/x/x.h"' 'upstream/ may not include "plugins/x/x.h"'
plant daemon/x.c '#include "plugins/x/x.h"' 'daemon/ may not include "plugins/x/x.h"'
plant ipc/x.c '#include "daemon/service/log.h"' 'ipc/ may not include "daemon/service/log.h"'
plant clients/x.c '#include <ragd/plugin.h>' 'clients/ may not include <ragd/plugin.h>'
plant clients/x.c '#include "base/buf.h"' 'clients/ may not include "base/buf.h"'
plant clients/x.c '#include "buf.h"' 'clients/ may not include "buf.h"'
plant include/ragd/x.h '#include "base/buf.h"' 'include/ may not include "base/buf.h"'
plant plugins/a/x.c '#include "daemon/service/log.h"' 'plugins/ may not include "daemon/service/log.h"'
plant plugins/a/x.c '#include <ragd/client.h>' 'plugins/ may not include <ragd/client.h>'
plant plugins/a/x.c '#include "plugins/b/x.h"' 'a plugin may not include another: "plugins/b/x.h"'
plant plugins/a/x.c '#include "safety/x.h"
#include "engine/y.h"' 'plugins/a stands on safety/ and on engine/'
plant plugins/a/x.c '#include "upstream/x.h"
#include "engine/y.h"' 'plugins/a stands on upstream/ and on engine/'
plant engine/x.c '#include MACRO' 'cannot read: MACRO'
plant plugins/a/x.c '#include "safety/x.h"' ''
plant plugins/a/x.c '#include "upstream/x.h"' ''
plant upstream/x.c '#include <ragd/plugin.h>' ''
plant daemon/x.c '#include <uv.h>' ''
plant clients/x.c '#include <ragd/client.h>' ''
plant clients/x.c '#include "base/args/args.h"' ''
plant clients/x.c '#include "base/args/args_private.h"' 'clients/ may not include "base/args/args_private.h"'
plant engine/x.c '#include "clients/rag/rag.h"' 'engine/ may not include "clients/rag/rag.h"'
plant tools/x.c '#include "engine/gguf/gguf.h"' ''
plant tools/x.c '#include "daemon/flow/flow.h"' 'tools/ may not include "daemon/flow/flow.h"'
plant tools/x.c '#include <ragd/client.h>' 'tools/ may not include <ragd/client.h>'
plant clients/rag/x.h '#include "x.h"' ''
plant engine/x.c '#include "config.h"' ''

so=$builddir/tests/plugins/modules/no_symbol.so # a module that exports another name
if command -v nm >/dev/null && [ -f "$so" ] && [ -z "$(check_plugin "$so")" ]; then
	echo "self-test: what $so exports was not noticed"
	failed=1
fi

# ---- the tree -------------------------------------------------------------------------------------

check_tree "$srcdir" > "$tmp/found"
if command -v nm >/dev/null; then
	check_objects >> "$tmp/found"
else
	echo "nm is missing: what the objects export was not looked at"
fi
cat "$tmp/found"
[ ! -s "$tmp/found" ] || failed=1
[ $failed = 1 ] || echo "the layers hold"
exit $failed
