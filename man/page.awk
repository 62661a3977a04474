# A manual page from its .in: the lines @COMMANDS@, @COMMON@ and @OPTIONS NAME@ become the lists that `program`
# writes, and @VERSION@ the version. A page of one command, "rag-add" in `command`, has that one's @OPTIONS@.
function rows(what) {
	fflush()
	if (system(program " " what) != 0)
		exit 1
}
BEGIN { sub(/^[a-z]*-/, "", command) }
/^@OPTIONS@$/ { rows("--man-options " command); next }
/^@OPTIONS [a-z]+@$/ { sub(/@$/, ""); rows("--man-options " $2); next }
/^@COMMON@$/ { rows("--man-options common"); next }
/^@COMMANDS@$/ { rows("--man-commands"); next }
{ gsub(/@VERSION@/, version); print }
