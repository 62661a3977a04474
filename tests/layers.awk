# The layer rules, for tests/layers.sh: reads lines "FILE:LINE:#include …" of a tree whose root was cut off
# the names, and prints what breaks a rule. root: where the tree is.

function rule(folder, quotes, ours, uv)
{
	known[folder] = 1
	n = split(quotes, parts, " ")
	for (i = 1; i <= n; i++)
		quoted[folder, parts[i]] = 1
	n = split(ours, parts, " ")
	for (i = 1; i <= n; i++)
		angled[folder, parts[i]] = 1
	loop[folder] = uv
}

# One header of a folder that is closed otherwise.
function except(folder, header)
{
	single[folder, header] = 1
}

function complain(what)
{
	print file ":" line ": " what
}

function beside(name)
{
	return system("test -f '" root "/" directory "/" name "'") == 0
}

BEGIN {
	parts_of_plugin = "plugin_types plugin_inference plugin_retrieval plugin_safety"
	#    folder       may include in quotes                   <ragd/….h>           uv.h
	rule("include",   "",                                     "plugin err client " parts_of_plugin, 0)
	rule("base",      "base",                                 "plugin err",        0)
	rule("engine",    "engine base",                          "plugin err",        0)
	rule("retrieval", "retrieval base",                       "plugin err",        0)
	rule("safety",    "safety base",                          "plugin err",        0)
	rule("upstream",  "upstream base",                        "plugin err",        0)
	rule("ipc",       "ipc base",                             "plugin err client", 1)
	rule("daemon",    "daemon ipc base",                      "plugin err",        1)
	rule("clients",   "clients",                              "client err",        0)
	rule("tools",     "tools engine base",                    "plugin err",        0)
	rule("plugins",   "plugins base engine retrieval safety upstream", "plugin err", 0)
	# A client sees of the daemon what any program may see. How a command line is read says nothing of
	# the daemon, base/args needs nothing else of base/, and rag compiles it in.
	except("clients", "base/args/args.h")
}

{
	match($0, /^[^:]*:[0-9]+:/)
	split(substr($0, 1, RLENGTH - 1), where, ":")
	file = where[1]
	line = where[2]
	what = substr($0, RLENGTH + 1)
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", what)
	folder = file
	sub(/\/.*/, "", folder)
	directory = file
	sub(/\/[^\/]*$/, "", directory)
	if (!(folder in known))
		next
	name = what
	sub(/^["<]/, "", name)
	sub(/[">].*$/, "", name)
}

what ~ /^"/ {
	first = name
	sub(/\/.*/, "", first)
	if (name == "config.h" || (name !~ /\// && beside(name)))
		next
	if ((folder, name) in single)
		next
	if (name !~ /\// || !((folder, first) in quoted))
		complain(folder "/ may not include \"" name "\"")
	if (folder != "plugins")
		next
	# A plugin stands on one library, and on no other plugin.
	split(file, part, "/")
	if (first == "plugins" && index(name, "plugins/" part[2] "/") != 1)
		complain("a plugin may not include another: \"" name "\"")
	if (first ~ /^(engine|retrieval|safety|upstream)$/) {
		if (part[2] in stands && stands[part[2]] != first)
			complain("plugins/" part[2] " stands on " stands[part[2]] "/ and on " first "/: one is enough")
		stands[part[2]] = first
	}
	next
}

what ~ /^<uv(\.h|\/)/ {
	if (!loop[folder])
		complain("uv.h is seen in daemon/ and ipc/ only")
	next
}

what ~ /^<jansson/ {
	if (folder !~ /^(ipc|upstream|clients|tools)$/)
		complain("jansson.h is seen in ipc/, upstream/, clients/ and tools/ only: base/json_writer.h writes")
	next
}

what ~ /^<ragd\// {
	first = name
	sub(/^ragd\//, "", first)
	sub(/\.h$/, "", first)
	if (!((folder, first) in angled))
		complain(folder "/ may not include <" name ">")
	next
}

what !~ /^</ { complain("an include that this test cannot read: " what) }
