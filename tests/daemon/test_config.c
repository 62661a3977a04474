#include "base/util.h"
#include <config.h>

#include "daemon/config/config.h"
#include "tests/daemon/install.h"
#include "tests/test.h"

static const char *modules;
static struct config_source source;

static struct config *good(const char *text)
{
	struct ragd_err err = { 0 };
	struct config *cfg = NULL;

	if (config_parse(&source, "/etc/t.conf", text, strlen(text), &cfg, &err) < 0)
		fail_msg("%s\n%s", text, err.msg);
	return cfg;
}

static void refused(const char *name, const char *text, const char *want)
{
	struct ragd_err err = { 0 };
	struct config *cfg = NULL;
	int rc = config_parse(&source, "t.conf", text, strlen(text), &cfg, &err);

	print_message("%s: %s\n", name, err.msg);
	assert_true(rc < 0);
	assert_int_equal(rc, err.code);
	assert_null(cfg);
	assert_non_null(strstr(err.msg, want));
	assert_null(strchr(err.msg, '\n'));
}

/* Errors of the text itself, before anything is known of options. */
static void broken_text_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "no closing brace", "\nragd {\n threads = 4\n",
		  "t.conf:2: the section that begins" },
		{ "a brace too many", "ragd { }\n}\n", "t.conf:2: '}' without a '{'" },
		{ "string left open", "ragd {\n socket = \"/x\n}\n",
		  "t.conf:2: the string that begins" },
		{ "other quotes left open", "ragd {\n socket = '/x\n}\n", "t.conf:2: the string" },
		{ "comment left open", "# c\n/* x\n\nragd { }\n", "t.conf:2: the comment" },
		{ "comment of three bytes", "/*/ ragd { }\n", "t.conf:1: the comment" },
		{ "list left open", "policy \"p\" {\n filters = { a,\n\n", "t.conf:2: the list" },
		{ "a section in a section", "ragd {\n limits { }\n}",
		  "t.conf:2: '{' within the section" },
		{ "a section without a name", "\n{ }\n", "t.conf:2: '{' without the name" },
		{ "control character", "ragd {\n threads = 4\x01 }",
		  "t.conf:2: control character 0x01" },
		{ "not UTF-8", "ragd {\n\n socket = \"\xff\" }", "t.conf:3: byte 0xff" },
		{ "an option outside", "\nsocket = /x\n",
		  "t.conf:2: 'socket' is outside any section" },
		{ "a quoted name", "ragd {\n \"socket\" = /x\n}",
		  "t.conf:2: the name of an option" },
		{ "an odd name", "ragd {\n a|b = 1\n}", "t.conf:2: 'a|b' is not an option name" },
		{ "a name with capitals", "ragd { Socket = 1 }",
		  "t.conf:1: 'Socket' is not an option name" },
		{ "appending", "policy p { filters += { a } }", "t.conf:1: '+=' is not supported" },
		{ "a stray star", "ragd { threads = * }", "t.conf:1: '*' must be in quotes" },
		{ "no equal sign", "ragd {\n threads 4 }",
		  "t.conf:2: 'threads' is not followed by '='" },
		{ "two words", "limits {\n body = 32 MiB\n}",
		  "t.conf:2: 'MiB' is not followed by '='" },
		{ "no value", "ragd { threads = }", "t.conf:1: " },
		{ "no title", "plugin { module = x }", "t.conf:1: missing title" },
		{ "an unknown section", "\n\nserver { }",
		  "t.conf:3: 'server' is not known; allowed" },
		{ "an unset variable", "ragd {\n socket = \"${RAGD_T_UNSET}\" }",
		  "t.conf:2: the environment variable RAGD_T_UNSET is not set" },
		{ "a bare unset variable", "ragd { socket = ${RAGD_T_UNSET} }",
		  "RAGD_T_UNSET is not set" },
		{ "a variable left open", "ragd { socket = \"${HOME\n\" }",
		  "t.conf:1: '${' without" },
		{ "a NUL by escape", "ragd { socket = \"\\x00\" }", "t.conf:1: '\\x" },
		{ "a byte by escape", "ragd { socket = \"\\xff\" }", "t.conf:1: '\\x" },
		{ "a NUL in octal", "ragd { socket = \"\\0\" }", "t.conf:1: '\\0" },
		{ "a long octal", "ragd { socket = \"\\1234\" }", "t.conf:1: '\\1" },
		{ "include within a section", "ragd {\n include(\"x\")\n}", "t.conf:2: include" },
		{ "include of nothing", "include()", "t.conf:1: include takes one file" },
	};

	(void)state;
	unsetenv("RAGD_T_UNSET");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		refused(rows[i].name, rows[i].text, rows[i].want);
		/* The scanner's state is one for the process: an error must not outlive itself. */
		config_free(good("ragd { threads = 4 }"));
	}
}

#define GOOD_PLUGINS                                                                               \
	"plugin \"i\" { module = inference_extract }\n"                                            \
	"plugin \"r\" { module = retrieval_hybrid }\n"                                             \
	"plugin \"g\" { module = safety_grounding }\n"

static void what_does_not_hold_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "unknown option", "ragd {\n soket = /x\n}",
		  "t.conf:2: option 'soket' is not known in ragd; allowed: socket, owner" },
		{ "lines after comments", "# a\n// b\n/* c\n d */\nragd {\n soket = /x\n}",
		  "t.conf:6: option 'soket'" },
		{ "lines after a long string", "policy p {\n refusal = \"a\nb\"\n x = 1 }",
		  "t.conf:4: option 'x'" },
		{ "option of another section", "limits { threads = 4 }", "not known in limits" },
		{ "wrong type", "ragd {\n threads = many\n}",
		  "t.conf:2: option 'threads': 'many' is not a whole number from 0 to 1024" },
		{ "a value of two lines", "ragd { threads = \"1\n2\" }",
		  "'1 2' is not a whole number" },
		{ "out of range", "limits { body = 1B }",
		  "'1B' is not a size from 1 KiB to 1 GiB" },
		{ "no such unit", "limits { body = 32MB }", "'32MB' is not a size" },
		{ "not a duration", "ragd { drain_timeout = \"3 weeks\" }", "is not a duration" },
		{ "not a word of the choice", "ragd { log_level = loud }", "err|warn|info|debug" },
		{ "a list for one value", "ragd {\n threads = { 1, 2 } }",
		  "t.conf:2: option 'threads' takes one value, not a list of 2" },
		{ "an empty list for one value", "ragd {\n threads = { } }", "takes one value" },
		{ "an option twice", "ragd {\n threads = 1\n threads = 2 }",
		  "t.conf:3: option 'threads' is given twice, first on line 2" },
		{ "a list twice", "policy p {\n filters = { a, b }\n filters = { c }\n }",
		  "t.conf:3: option 'filters' is given twice, first on line 2" },
		{ "a section twice", "ragd { }\nragd { }", "t.conf:2: a second section ragd" },
		{ "a name twice", "policy \"p\" { }\npolicy \"p\" { }",
		  "t.conf:2: a second section named \"p\"" },
		{ "a bad name", "collection \"A b\" { }",
		  "t.conf:1: collection \"A b\": a name consists of" },
		{ "a hidden name", "collection \".x\" { }", "a name consists of" },
		{ "a mode in words", "ragd { mode = rw }", "'rw' is not a mode in octal" },
		{ "a mode too large", "ragd { mode = 1777 }", "is not a mode in octal" },
		{ "an execute bit", "collection c { mode = 0755 }",
		  "mode 0755: a collection's mode" },
		{ "no such user", "ragd { owner = nobody-here }", "is not a user of this system" },
		{ "no such group", "collection c {\n group = nobody-here }",
		  "t.conf:2: option 'group': 'nobody-here' is not a group" },
		{ "a relative directory", "ragd { plugin_dirs = { here } }",
		  "t.conf:1: option 'plugin_dirs': 'here' is not" },
		{ "no module", "plugin \"x\" { }", "t.conf:1: plugin \"x\": needs module" },
		{ "an empty module", "plugin \"x\" { module = \"\" }", "needs module" },
		{ "an unknown module", "plugin \"x\" {\n module = nonesuch\n}", "t.conf:2: " },
		{ "an unknown option of a plugin", "plugin x {\n module = sample\n colour = red\n}",
		  "t.conf:3: option 'colour' is not known in plugin; allowed: module, on_failure, "
		  "deadline, flag, number" },
		{ "another plugin's option",
		  "plugin x { module = sample flag = yes }\nplugin y {\n module = safety_basic\n "
		  "flag = "
		  "yes }",
		  "t.conf:4: option 'flag' is not known in plugin" },
		{ "a plugin's option of the wrong type",
		  "plugin x {\n module = sample\n number = 65 }",
		  "t.conf:3: option 'number': '65' is not a whole number from 1 to 64" },
		{ "a list for a plugin's one value",
		  "plugin x { module = sample number = { 1, 2 } }", "takes one value" },
		{ "what check refuses", "\nplugin x { module = sample number = 13 }",
		  "t.conf:2: plugin \"x\": number = 13 does not go with anything" },
		{ "a module whose option has our name", "plugin x { module = clash }",
		  "the module has an option 'deadline'" },
		{ "on_failure of what is no filter",
		  "plugin x {\n module = inference_extract\n on_failure = open }",
		  "t.conf:3: plugin \"x\": on_failure is for safety" },
		{ "a policy with an unknown filter",
		  GOOD_PLUGINS "policy p {\n filters = { nope } }",
		  "t.conf:5: policy \"p\": filters: there is no plugin \"nope\" (there are: i, r, "
		  "g)" },
		{ "a filter that is none", GOOD_PLUGINS "policy p { filters = { r } }",
		  "\"r\" is a retrieval plugin, but this takes a safety plugin" },
		{ "a filter twice", GOOD_PLUGINS "policy p { filters = { g, g } }", "\"g\" twice" },
		{ "an assistant without inference", "assistant a { policy = balanced }",
		  "lacks the option 'inference'" },
		{ "an assistant without policy", "assistant a { inference = extract }",
		  "lacks the option 'policy'" },
		{ "an unknown inference", "assistant a { inference = gpt policy = balanced }",
		  "there is no plugin \"gpt\" (there are: extract, hybrid, basic, grounding" },
		{ "a wrong kind of inference",
		  "assistant a {\n policy = balanced\n inference = basic }",
		  "t.conf:3: assistant \"a\": inference: \"basic\" is a safety plugin, but this "
		  "takes an "
		  "inference plugin" },
		{ "an unknown policy", "assistant a { inference = extract policy = strict }",
		  "there is no policy \"strict\" (there are: balanced)" },
		{ "an unknown collection",
		  "assistant a { inference = extract retrieval = hybrid policy = balanced\n "
		  "collections "
		  "= { docs } }",
		  "t.conf:2: assistant \"a\": collections: there is no collection \"docs\"" },
		{ "grounded in nothing", "assistant a { inference = extract policy = balanced }",
		  "it is grounded but has no retrieval" },
		{ "grounded by nobody",
		  "policy p { filters = basic }\nassistant a { inference = extract retrieval = "
		  "hybrid "
		  "policy = p }",
		  "no filter that grounds" },
		{ "too many stops",
		  "assistant a { inference = extract retrieval = hybrid policy = balanced\n stop = "
		  "{ "
		  "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q } }",
		  "t.conf:2: option 'stop' takes at most 16" },
		{ "own plugins, built-in policy", "plugin x { module = sample }",
		  "built-in defaults:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused(rows[i].name, rows[i].text, rows[i].want);
}

/* n plugins, and in lines of their own a policy that has them all as filters. */
static const char *filters_text(unsigned n, char *out, size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, room - len,
					"plugin f%u { module = safety_basic } ", i);
	len += (size_t)snprintf(out + len, room - len,
				"\npolicy p {\n refusal = No\n filters = { ");
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, room - len, "%sf%u", i > 0 ? ", " : "", i);
	snprintf(out + len, room - len,
		 " }\n}\nplugin i { module = inference_extract }\n"
		 "assistant a { inference = i policy = p grounded = no }");
	return out;
}

static void a_policy_has_no_more_filters_than_an_answer_has_room_for(void **state)
{
	char text[2048];
	struct config *cfg = good(filters_text(CONFIG_FILTERS_MAX, text, sizeof(text)));

	(void)state;
	assert_string_equal(cfg->policies[0].filters[CONFIG_FILTERS_MAX - 1], "f15");
	config_free(cfg);
	refused("one filter too many", filters_text(CONFIG_FILTERS_MAX + 1, text, sizeof(text)),
		"t.conf:4: policy \"p\": filters takes at most 16");
}

static void without_a_file_the_defaults_run(void **state)
{
	struct config *cfg = good("");
	const struct config_assistant *a = config_assistant(cfg, "default");

	(void)state;
	assert_int_equal(cfg->n_plugins, 4 + WITH_ENCODER);
	assert_string_equal(cfg->plugins[0].name, "extract");
	assert_string_equal(cfg->plugins[0].module, "inference_extract");
	assert_int_equal(cfg->plugins[3].on_failure, CONFIG_CLOSED);
	assert_int_equal(cfg->plugins[3].deadline_ms, 60000);
	assert_string_equal(config_policy(cfg, "balanced")->filters[1], "grounding");
	assert_null(config_policy(cfg, "balanced")->filters[2]);
	assert_null(config_policy(cfg, "strict"));
	assert_int_equal(cfg->n_collections, 1);
	assert_int_equal(cfg->collections[0].owner, geteuid());
	assert_int_equal(cfg->collections[0].mode, 0600);
	assert_non_null(a);
	assert_true(a->grounded);
	assert_int_equal(a->k, 8);
	assert_string_equal(a->inference, "extract");
	assert_null(a->collections[0]);
	assert_int_equal(cfg->limits.body, 32 << 20);
	assert_int_equal(cfg->limits.idle_timeout_ms, 300000);
	assert_int_equal(cfg->queue_max, 1024);
	assert_int_equal(cfg->keep_answers_ms, 30LL * 24 * 3600 * 1000);
	assert_true(cfg->n_threads >= 4);
	assert_string_equal(cfg->plugin_dirs[0], modules);
	config_free(cfg);
}

static void a_path_in_the_data_directory_is_found_there(void **state)
{
	struct config_source src = source;
	struct config *cfg;
	struct ragd_err err;
	const char *text = "plugin g { module = inference_gguf model = \"ragd:a/b.gguf\" }\n"
			   "plugin h { module = inference_gguf model = \"a/ragd:b\" }\n"
			   "assistant a { inference = g retrieval = r policy = p }\n"
			   "plugin r { module = retrieval_hybrid }\n"
			   "plugin s { module = safety_grounding }\n"
			   "policy p { filters = { s } }\n";

	(void)state;
	src.data_dir = "/data";
	if (config_parse(&src, "/etc/t.conf", text, strlen(text), &cfg, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < cfg->n_plugins; i++)
		if (strcmp(cfg->plugins[i].name, "g") == 0)
			assert_string_equal(ragd_config_get(&cfg->plugins[i].options, "model")->s,
					    "/data/a/b.gguf");
		else if (strcmp(cfg->plugins[i].name, "h") == 0)
			assert_string_equal(ragd_config_get(&cfg->plugins[i].options, "model")->s,
					    "/etc/a/ragd:b");
	config_free(cfg);
}

static void the_scope_gives_places_and_modes(void **state)
{
	struct config_source system = { .scope = CONFIG_SYSTEM, .plugin_dir = modules };
	struct ragd_err err = { 0 };
	struct config *cfg;

	(void)state;
	assert_int_equal(config_parse(&system, "x", "", 0, &cfg, &err), 0);
	assert_string_equal(cfg->socket, "/run/ragd/ragd.sock");
	assert_string_equal(cfg->state_dir, "/var/lib/ragd");
	assert_int_equal(cfg->socket_mode, 0660);
	assert_int_equal(cfg->collections[0].mode, 0664);
	config_free(cfg);
	cfg = good("");
	assert_string_equal(cfg->socket, "/run/user/7/ragd/ragd.sock");
	assert_string_equal(cfg->state_dir, "/home/t/.local/state/ragd");
	assert_int_equal(cfg->socket_mode, 0600);
	config_free(cfg);
}

static void every_type_of_value_arrives(void **state)
{
	struct config *cfg;
	const struct ragd_config *o;

	(void)state;
	setenv("RAGD_T", "from the environment", 1);
	cfg = good(
		"plugin i { module = inference_extract }\nplugin h { module = retrieval_hybrid }\n"
		"plugin g { module = safety_grounding }\n"
		"plugin x { module = sample deadline = 250ms on_failure = open flag = yes\n"
		" number = 7 part = .25 size = \"2 MiB\" wait = 2min text = \"${RAGD_T} "
		"\\\"q\\\"\"\n"
		" file = sub/x shade = light words = { one, 'two ${X}', \"\\x41\" } }\n"
		"plugin y { module = sample words = single file = /abs text = ${RAGD_T} }\n"
		"plugin z { module = sample words = { } }\n"
		"policy p { filters = { g, x } }\n"
		"assistant a { inference = i retrieval = h policy = p stop = { END }\n"
		" temperature = 0 seed = 42 collections = { default } }\n"
		"ragd { socket = s.sock mode = 0622 owner = 12 group = 34 log_level = debug\n"
		" plugin_dirs = { /p1, /p2 } }");
	assert_int_equal(cfg->plugins[3].deadline_ms, 250);
	assert_int_equal(cfg->plugins[3].on_failure, CONFIG_OPEN);
	o = &cfg->plugins[3].options;
	assert_int_equal(o->n, 9);
	assert_true(ragd_config_get(o, "flag")->b);
	assert_int_equal(ragd_config_get(o, "number")->i, 7);
	assert_true(ragd_config_get(o, "part")->f == 0.25);
	assert_int_equal(ragd_config_get(o, "size")->i, 2 << 20);
	assert_int_equal(ragd_config_get(o, "wait")->i, 120000);
	assert_string_equal(ragd_config_get(o, "text")->s, "from the environment \"q\"");
	assert_string_equal(ragd_config_get(o, "file")->s, "/etc/sub/x");
	assert_string_equal(ragd_config_get(o, "shade")->s, "light");
	assert_string_equal(ragd_config_get(o, "words")->list[1], "two ${X}");
	assert_string_equal(ragd_config_get(o, "words")->list[2], "A");
	assert_null(ragd_config_get(o, "words")->list[3]);
	o = &cfg->plugins[4].options;
	assert_string_equal(ragd_config_get(o, "words")->list[0], "single");
	assert_string_equal(ragd_config_get(o, "file")->s, "/abs");
	assert_string_equal(ragd_config_get(o, "text")->s, "from the environment");
	assert_int_equal(ragd_config_get(o, "number")->i, 4);
	assert_int_equal(ragd_config_get(o, "wait")->i, 5000);
	o = &cfg->plugins[5].options;
	assert_null(ragd_config_get(o, "words")->list[0]);
	assert_string_equal(ragd_config_get(o, "text")->s, "");
	assert_string_equal(ragd_config_get(o, "file")->s, "");
	assert_int_equal(cfg->assistants[0].sampling.n_stop, 1);
	assert_int_equal(cfg->assistants[0].sampling.stop[0].len, 3);
	assert_int_equal(cfg->assistants[0].sampling.seed, 42);
	assert_true(cfg->assistants[0].sampling.temperature == 0);
	assert_string_equal(cfg->assistants[0].collections[0], "default");
	assert_string_equal(cfg->socket, "/etc/s.sock");
	assert_int_equal(cfg->socket_mode, 0622);
	assert_int_equal(cfg->socket_owner, 12);
	assert_int_equal(cfg->socket_group, 34);
	assert_int_equal(cfg->log_level, RAGD_LOG_DEBUG);
	assert_string_equal(cfg->plugin_dirs[1], "/p1");
	assert_string_equal(cfg->plugin_dirs[2], "/p2");
	config_free(cfg);
}

static void lists_have_their_own_defaults(void **state)
{
	struct config *cfg =
		good(GOOD_PLUGINS "plugin x { module = sample }\n"
				  "policy p { filters = g }\n"
				  "assistant a { inference = i retrieval = r policy = p }");
	const struct ragd_value *v = ragd_config_get(&cfg->plugins[3].options, "words");

	(void)state;
	assert_string_equal(v->list[0], "a");
	assert_string_equal(v->list[1], "b");
	assert_null(v->list[2]);
	config_free(cfg);
}

static void a_file_replaces_only_the_kinds_it_has(void **state)
{
	struct config *cfg = good("collection docs { mode = 0660 }\nlimits { queue = 3 }");

	(void)state;
	assert_int_equal(cfg->n_collections, 1);
	assert_string_equal(cfg->collections[0].name, "docs");
	assert_int_equal(cfg->n_plugins, 4 + WITH_ENCODER);
	assert_int_equal(cfg->n_assistants, 1);
	assert_int_equal(cfg->queue_max, 3);
	config_free(cfg);
}

static int load(const char *path, struct config **out, struct ragd_err *err)
{
	struct config_source src = source;

	src.path = path;
	memset(err, 0, sizeof(*err));
	return config_load(&src, out, err);
}

static void includes_are_read_relative_to_their_file(void **state)
{
	struct config *cfg = NULL;
	struct ragd_err err;

	(void)state;
	assert_int_equal(mkdir(temp_path("d"), 0755), 0);
	temp_write("d/a.conf", "collection \"a\" { }\n");
	temp_write("d/b.conf", "# b\ncollection \"b\" { }\ninclude(\"../c.conf\")\n");
	temp_write("c.conf", "collection \"c\" { }\n");
	temp_write("t.conf",
		   "include(\"d/*.conf\")\ninclude(\"none/*.conf\")\nragd { threads = 9 }\n");
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), 0);
	assert_int_equal(cfg->n_collections, 3);
	assert_int_equal(cfg->n_threads, 9);
	assert_string_equal(cfg->path, temp_path("t.conf"));
	config_free(cfg);

	temp_write("d/b.conf", "\n\ncollection \"a\" { }\n");
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -EEXIST);
	print_message("%s\n", err.msg);
	assert_non_null(
		strstr(err.msg, "d/b.conf:3: a second section collection \"a\", the first is at"));
	assert_non_null(strstr(err.msg, "d/a.conf:1"));

	temp_write("d/b.conf", "\nlimits { tread = 1 }\n");
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "d/b.conf:2: "));
}

/* It says what code runs: whoever writes it decides. */
static void files_that_others_may_write_are_refused(void **state)
{
	struct config *cfg = NULL;
	struct ragd_err err;

	(void)state;
	temp_write("t.conf", "include(\"a.conf\")\n");
	temp_write("a.conf", "");
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), 0);
	config_free(cfg);
	cfg = NULL;
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "t.conf" : "a.conf";

		assert_int_equal(chmod(temp_path(name), 0646), 0);
		assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -EACCES);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, name));
		assert_non_null(strstr(err.msg, "may be written by others; chmod o-w it"));
		assert_int_equal(chmod(temp_path(name), 0644), 0);
		if (geteuid() != 0)
			continue;
		assert_int_equal(chown(temp_path(name), 12345, 0), 0);
		assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -EACCES);
		assert_non_null(strstr(err.msg, "belongs to user 12345"));
		assert_int_equal(chown(temp_path(name), 0, 12345), 0);
		assert_int_equal(chmod(temp_path(name), 0664), 0);
		assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -EACCES);
		assert_non_null(strstr(err.msg, "may be written by a group; chmod g-w it"));
		assert_int_equal(chown(temp_path(name), 0, 0), 0);
	}
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), 0);
	config_free(cfg);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	struct config *cfg = NULL;
	struct ragd_err err;

	(void)state;
	assert_int_equal(load(temp_path("none.conf"), &cfg, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "none.conf: No such file"));
	assert_int_equal(load(temp_dir, &cfg, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "is not a regular file"));
	assert_int_equal(mkfifo(temp_path("fifo"), 0600), 0);
	assert_int_equal(load(temp_path("fifo"), &cfg, &err), -EINVAL);
	assert_int_equal(load("/dev/zero", &cfg, &err), -EINVAL);
	temp_write("t.conf", "\ninclude(\"gone.conf\")\n");
	assert_true(load(temp_path("t.conf"), &cfg, &err) < 0);
	print_message("%s\n", err.msg);
	assert_non_null(strstr(err.msg, "t.conf:2: include(\"gone.conf\"): No such file"));
	temp_write("t.conf", "include(\"t.conf\")\n");
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -ELOOP);
	assert_int_equal(truncate(temp_path("t.conf"), (1 << 20) + 1), 0);
	assert_int_equal(load(temp_path("t.conf"), &cfg, &err), -EFBIG);
}

static void a_missing_own_file_means_the_defaults(void **state)
{
	struct config *cfg = NULL;
	struct ragd_err err;

	(void)state;
	setenv("XDG_CONFIG_HOME", temp_dir, 1);
	assert_int_equal(load(NULL, &cfg, &err), 0);
	assert_string_equal(cfg->path, "");
	config_free(cfg);
	assert_int_equal(mkdir(temp_path("ragd"), 0755), 0);
	temp_write("ragd/ragd.conf", "ragd { threads = 11 }\n");
	assert_int_equal(load(NULL, &cfg, &err), 0);
	assert_int_equal(cfg->n_threads, 11);
	assert_string_equal(cfg->path, temp_path("ragd/ragd.conf"));
	config_free(cfg);
	unsetenv("XDG_CONFIG_HOME");
}

static void the_command_line_stands_above_the_file(void **state)
{
	struct config_source src = source;
	struct ragd_err err = { 0 };
	struct config *cfg;
	const char *text = "ragd { socket = /a state_dir = /b data_dir = /c }";

	(void)state;
	src.socket = "/1";
	src.state_dir = "/2";
	src.data_dir = "/3";
	assert_int_equal(config_parse(&src, "t", text, strlen(text), &cfg, &err), 0);
	assert_string_equal(cfg->socket, "/1");
	assert_string_equal(cfg->state_dir, "/2");
	assert_string_equal(cfg->data_dir, "/3");
	config_free(cfg);
	setenv("RAGD_PLUGIN_PATH", "/e1:/e2", 1);
	setenv("RAGD_DATA_DIR", "/e3", 1);
	cfg = good("");
	assert_string_equal(cfg->plugin_dirs[0], modules);
	assert_string_equal(cfg->plugin_dirs[1], "/e1");
	assert_string_equal(cfg->plugin_dirs[2], "/e2");
	assert_string_equal(cfg->data_dir, "/e3");
	config_free(cfg);
	unsetenv("RAGD_PLUGIN_PATH");
	unsetenv("RAGD_DATA_DIR");
}

static void a_diff_names_the_sections_that_changed(void **state)
{
	struct config *was = good("ragd { threads = 4 }\ncollection a { }\nlimits { queue = 1 }");
	struct config *is =
		good("# moved\n\nlimits { queue = 1 }\nragd { threads = 5 }\ncollection b { }");
	char *diff = config_diff(was, is, NULL, NULL);

	(void)state;
	assert_string_equal(diff, " changed=ragd added=collection.b removed=collection.a");
	free(diff);
	diff = config_diff(was, was, NULL, NULL);
	assert_string_equal(diff, " changed=none");
	free(diff);
	config_free(was);
	config_free(is);
}

static bool is_named_basic(const char *plugin, void *arg)
{
	(void)arg;
	return strcmp(plugin, "basic") == 0;
}

static void a_diff_names_a_plugin_that_was_opened_again(void **state)
{
	struct config *was = good("collection basic { }\ncollection y { }");
	struct config *is = good("collection basic { }\ncollection y { mode = 0640 }");
	char *diff = config_diff(was, was, is_named_basic, NULL);

	(void)state;
	assert_string_equal(diff, " changed=plugin.basic");
	free(diff);
	diff = config_diff(was, is, is_named_basic, NULL);
	assert_string_equal(diff, " changed=collection.y,plugin.basic");
	free(diff);
	config_free(was);
	config_free(is);
}

static void a_diff_names_a_plugin_whose_module_was_replaced(void **state)
{
	struct config *was, *same, *is;
	char from[600], text[400], *diff;
	const char *path;

	(void)state;
	snprintf(from, sizeof(from), "%s/sample.so", modules);
	path = install_file("sample.so", from);
	snprintf(text, sizeof(text),
		 "plugin x { module = \"%s\" }\n"
		 "plugin extract { module = inference_extract }\n"
		 "plugin hybrid { module = retrieval_hybrid }\n"
		 "plugin basic { module = safety_basic }\n"
		 "plugin grounding { module = safety_grounding }\n",
		 path);
	was = good(text);
	same = good(text);
	install_file("sample.so", from);
	is = good(text);
	diff = config_diff(was, same, NULL, NULL);
	assert_string_equal(diff, " changed=none");
	free(diff);
	diff = config_diff(same, is, NULL, NULL);
	assert_string_equal(diff, " changed=plugin.x");
	free(diff);
	config_free(was);
	config_free(same);
	config_free(is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_diff_names_a_plugin_whose_module_was_replaced,
						temp_setup, temp_teardown),
		cmocka_unit_test(a_diff_names_a_plugin_that_was_opened_again),
		cmocka_unit_test(broken_text_is_refused_with_its_line),
		cmocka_unit_test(what_does_not_hold_is_refused_with_its_line),
		cmocka_unit_test(a_policy_has_no_more_filters_than_an_answer_has_room_for),
		cmocka_unit_test(without_a_file_the_defaults_run),
		cmocka_unit_test(a_path_in_the_data_directory_is_found_there),
		cmocka_unit_test(the_scope_gives_places_and_modes),
		cmocka_unit_test(every_type_of_value_arrives),
		cmocka_unit_test(lists_have_their_own_defaults),
		cmocka_unit_test(a_file_replaces_only_the_kinds_it_has),
		cmocka_unit_test_setup_teardown(includes_are_read_relative_to_their_file,
						temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(files_that_others_may_write_are_refused, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_named, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(a_missing_own_file_means_the_defaults, temp_setup,
						temp_teardown),
		cmocka_unit_test(the_command_line_stands_above_the_file),
		cmocka_unit_test(a_diff_names_the_sections_that_changed),
	};

	modules = install_modules();
	source = (struct config_source){ .scope = CONFIG_USER, .plugin_dir = modules };
	setenv("HOME", "/home/t", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("RAGD_PLUGIN_PATH");
	unsetenv("RAGD_DATA_DIR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
