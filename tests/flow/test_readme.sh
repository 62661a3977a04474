#!/bin/bash
# The README's first screen is what the commands print. Its lines are broken by hand, so blanks count as one.
# When an answer changes for good: RAGD_README_PRINT=1 prints what each command says now.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
cp -r "$RAGD_SRCDIR/docs" "$T/docs"
start_ragd || exit 1

folded() { tr -s '[:space:]' ' ' <<<"$1" | sed 's/^ //; s/ $//'; }

# compare COMMAND WANT: what stands below "$ COMMAND".
compare() {
	local got
	n_commands=$((n_commands + 1))
	got=$(cd "$T" && eval "$1" 2>&1)
	[ -z "${RAGD_README_PRINT:-}" ] || printf '$ %s\n%s\n\n' "$1" "$got"
	is "$1" "$(folded "$got")" "$(folded "$2")"
}

command= want= n_commands=0
while IFS= read -r line; do
	case $line in
	'$ '*)
		[ -z "$command" ] || compare "$command" "$want"
		command=${line#'$ '} want=
		;;
	*) want+=$line$'\n' ;;
	esac
done < <(awk '/^```/ { if (inside++) exit; next } inside' "$RAGD_SRCDIR/README.md")
compare "$command" "$want"
is "the README shows commands" "$n_commands" 5
