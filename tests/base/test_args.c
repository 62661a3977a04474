/* Command lines as rows: what is read, what is refused and how, help, manual page, completion. */
#include <stdlib.h>
#include <string.h>

#include "base/args/args.h"
#include "base/args/args_private.h"
#include "base/util.h"
#include "tests/test.h"

/* ---- a program ---- */

struct values {
	const char *host;
	const char *color;
	bool verbose;
	struct args_texts tags;
	long n;
	double rate;
	bool force;
};

enum { WORDS_ROOMS = ARGS_WORDS_OWN };

/* clang-format off */
static const struct args_opt common[] = {
	{ .name = "host", .arg = "HOST", .help = "where", .type = ARGS_TEXT,
	  .offset = offsetof(struct values, host), .words = ARGS_WORDS_FILES },
	{ .name = "color", .arg = "WHEN", .help = "colours", .type = ARGS_CHOICE,
	  .offset = offsetof(struct values, color), .choices = "auto always never" },
	{ .letter = 'v', .name = "verbose", .help = "say more", .type = ARGS_FLAG,
	  .offset = offsetof(struct values, verbose) },
	{ .name = NULL },
};
static const struct args_opt shared[] = {
	{ .letter = 'n', .name = "number", .arg = "N", .help = "so many", .type = ARGS_NUMBER,
	  .offset = offsetof(struct values, n), .min = -2, .max = 50 },
	{ .name = NULL },
};
static const struct args_opt put_opts[] = {
	{ .letter = 't', .name = "tag", .arg = "TAG",
	  .help = "a tag; the help of it is so long that no screen has room for it on one line",
	  .more = ".Not a request, it's a sentence with a \\ and a -.", .type = ARGS_TEXTS,
	  .offset = offsetof(struct values, tags), .words = WORDS_ROOMS },
	{ .letter = 'r', .name = "rate", .arg = "R", .help = "how fast", .type = ARGS_REAL,
	  .offset = offsetof(struct values, rate), .min = 0.5, .max = 2 },
	{ .letter = 'f', .name = "force", .help = "whatever stands there", .type = ARGS_FLAG,
	  .offset = offsetof(struct values, force) },
	{ .name = "force-all", .help = "all of it", .type = ARGS_FLAG,
	  .offset = offsetof(struct values, force) },
	{ .name = NULL },
};
/* clang-format on */

static const struct args_command put = {
	.name = "put",
	.usage = "ROOM FILE...",
	.summary = "put files into a room",
	.opts = put_opts,
	.shared = true,
	.min_rest = 2,
	.max_rest = -1,
	.words = ARGS_WORDS_FILES,
};
static const struct args_command list = { .name = "list",
					  .usage = "[ROOM]",
					  .summary = "list the rooms",
					  .max_rest = 1,
					  .words = WORDS_ROOMS };
static const struct args_command *const commands[] = { &put, &list, NULL };

static void rooms_offer(FILE *f, int words, const void *values)
{
	const struct values *v = values;

	assert_int_equal(words, WORDS_ROOMS);
	fprintf(f, "attic\nbath\n%s\n", v->host != NULL ? v->host : "cellar");
}

static const struct args_program program = {
	.name = "my-house",
	.about = "my-house keeps things.",
	.usage = "COMMAND [OPTION]...",
	.closing = "The end.",
	.common = common,
	.shared = shared,
	.shared_heading = "Options of some",
	.commands = commands,
	.offer = rooms_offer,
};
static const struct args_program plain = {
	.name = "plain",
	.about = "plain is plain.",
	.usage = "[OPTION]...",
	.closing = "The end.",
	.common = common,
};

/* The words of a line, in *copy; an empty one is written as "". */
static int line_split(const char *line, char **copy, char **argv)
{
	char *save;
	int n = 0;

	*copy = strdup(line);
	for (char *w = strtok_r(*copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "\"\"") == 0)
			*w = '\0';
		argv[n++] = w;
	}
	argv[n] = NULL;
	return n;
}

/* ---- reading ---- */

static void a_line_fills_what_the_rows_say(void **state)
{
	char *copy, *argv[32];
	struct values v = { .n = 7 };
	struct args_line line;
	int argc = line_split("house -n 3 put kitchen --tag a -vt b --rate=1.5 -fr2 pan --ta c "
			      "--color never -- --pot -",
			      &copy, argv);

	(void)state;
	assert_int_equal(args_parse(&program, argc, argv, &v, &line, NULL), 0);
	assert_ptr_equal(line.command, &put);
	assert_int_equal(v.n, 3);
	assert_true(v.verbose && v.force && !line.help && !line.version);
	assert_true(v.rate == 2);
	assert_string_equal(v.color, "never");
	assert_null(v.host);
	assert_int_equal(v.tags.n, 3);
	assert_string_equal(v.tags.at[1], "b");
	assert_string_equal(v.tags.at[2], "c");
	assert_int_equal(line.n_rest, 4);
	assert_string_equal(line.rest[0], "kitchen");
	assert_string_equal(line.rest[1], "pan");
	assert_string_equal(line.rest[2], "--pot");
	assert_string_equal(line.rest[3], "-");
	args_free(&program, &v);
	assert_null(v.tags.at);
	free(copy);
}

static void help_and_version_need_nothing_else(void **state)
{
	static const struct {
		const char *line;
		bool help, version;
		const struct args_command *command;
	} rows[] = {
		{ "house", false, false, NULL },
		{ "house --help", true, false, NULL },
		{ "house -h put", true, false, &put },
		{ "house put -h", true, false, &put },
		{ "house put --version", false, true, &put },
		{ "house -V", false, true, NULL },
		{ "house list a b c --help", true, false, &list },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy, *argv[32];
		struct values v = { .n = 0 };
		struct args_line line;
		int argc = line_split(rows[i].line, &copy, argv);

		print_message("%s\n", rows[i].line);
		assert_int_equal(args_parse(&program, argc, argv, &v, &line, NULL), 0);
		assert_int_equal(line.help, rows[i].help);
		assert_int_equal(line.version, rows[i].version);
		assert_ptr_equal(line.command, rows[i].command);
		free(copy);
	}
}

static void what_no_row_says_is_refused_in_a_sentence(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "house --nope", "there is no option '--nope'" },
		{ "house --nope=3", "there is no option '--nope'" },
		{ "house -t x", "there is no option '-t'" },
		{ "house list -t x", "there is no option '-t'" },
		{ "house list -n 3", "there is no option '-n'" },
		{ "house put -vz", "there is no option '-z'" },
		{ "house --colour never",
		  "there is no option '--colour'; did you mean '--color'?" },
		{ "house put --forec", "there is no option '--forec'; did you mean '--force'?" },
		{ "house --hots=x", "there is no option '--hots'; did you mean '--host'?" },
		{ "house --h x", "'--h' is ambiguous: '--host' or '--help'" },
		{ "house --ver", "'--ver' is ambiguous: '--verbose' or '--version'" },
		{ "house --verbose=yes", "'--verbose' takes no value" },
		{ "house --host", "'--host' needs a value" },
		{ "house put -t", "'-t' needs a value" },
		{ "house put -vt", "'-t' needs a value" },
		{ "house --color sometimes",
		  "--color takes one of: auto always never; not 'sometimes'" },
		{ "house --color neve", "--color takes one of: auto always never; not 'neve'" },
		{ "house --color=", "--color takes one of: auto always never; not ''" },
		{ "house -n -3", "--number takes a whole number from -2 to 50, not '-3'" },
		{ "house -n 51", "--number takes a whole number from -2 to 50, not '51'" },
		{ "house -n 5x", "--number takes a whole number from -2 to 50, not '5x'" },
		{ "house -n \"\"", "--number takes a whole number from -2 to 50, not ''" },
		{ "house -n 99999999999999999999",
		  "--number takes a whole number from -2 to 50, not '99999999999999999999'" },
		{ "house put -r 2.1", "--rate takes a number from 0.5 to 2, not '2.1'" },
		{ "house put -r nan", "--rate takes a number from 0.5 to 2, not 'nan'" },
		{ "house put -r 1e999", "--rate takes a number from 0.5 to 2, not '1e999'" },
		{ "house pot", "there is no command 'pot'; did you mean 'put'?" },
		{ "house lsit", "there is no command 'lsit'; did you mean 'list'?" },
		{ "house fly", "there is no command 'fly'" },
		{ "house \"\"", "there is no command ''" },
		{ "house averyveryverylongcommandthatnobodytypes",
		  "there is no command 'averyveryverylongcommandthatnobodytypes'" },
		{ "house put", "missing argument: ROOM FILE..." },
		{ "house put kitchen", "missing argument: ROOM FILE..." },
		{ "house list a b", "unexpected argument 'b'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy, *argv[32];
		struct values v = { .n = 0 };
		struct ragd_err err = { 0 };
		struct args_line line;
		int argc = line_split(rows[i].line, &copy, argv);

		print_message("%s\n", rows[i].line);
		assert_int_equal(args_parse(&program, argc, argv, &v, &line, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].want);
		args_free(&program, &v);
		free(copy);
	}
}

static void a_refusal_knows_its_command(void **state)
{
	char *copy, *argv[32];
	struct values v = { .n = 0 };
	struct args_line line;
	int argc = line_split("house list --nope", &copy, argv);

	(void)state;
	assert_int_equal(args_parse(&program, argc, argv, &v, &line, NULL), -EINVAL);
	assert_ptr_equal(line.command, &list);
	free(copy);
}

static void a_program_without_commands_takes_options_alone(void **state)
{
	char *copy, *argv[32];
	struct values v = { .n = 0 };
	struct ragd_err err;
	struct args_line line;
	int argc = line_split("plain -v --host=there", &copy, argv);

	(void)state;
	assert_int_equal(args_parse(&plain, argc, argv, &v, &line, NULL), 0);
	assert_true(v.verbose);
	assert_string_equal(v.host, "there");
	free(copy);
	argc = line_split("plain more", &copy, argv);
	assert_int_equal(args_parse(&plain, argc, argv, &v, &line, &err), -EINVAL);
	assert_string_equal(err.msg, "unexpected argument 'more'");
	free(copy);
}

static void distances_count_slips(void **state)
{
	static const struct {
		const char *a, *b;
		size_t want;
	} rows[] = {
		{ "", "", 0 },          { "", "abc", 3 },      { "abc", "", 3 },
		{ "list", "list", 0 },  { "lsit", "list", 1 }, { "lis", "list", 1 },
		{ "liist", "list", 1 }, { "lost", "list", 1 }, { "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(args_distance(rows[i].a, strlen(rows[i].a), rows[i].b),
				 rows[i].want);
}

/* ---- showing ---- */

static void help_is_wrapped_rows(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	args_help(&program, &put, f, 60);
	args_help(&program, NULL, f, 60);
	args_help(&plain, NULL, f, 60);
	fclose(f);
	assert_string_equal(text, "my-house put: put files into a room\n"
				  "\n"
				  "usage: my-house put [OPTION]... ROOM FILE...\n"
				  "\n"
				  "Options:\n"
				  "  -t, --tag TAG             a tag; the help of it is so long\n"
				  "                            that no screen has room for it\n"
				  "                            on one line\n"
				  "  -r, --rate R              how fast\n"
				  "  -f, --force               whatever stands there\n"
				  "      --force-all           all of it\n"
				  "  -n, --number N            so many\n"
				  "\n"
				  "Options of every command:\n"
				  "      --host HOST           where\n"
				  "      --color WHEN          colours\n"
				  "  -v, --verbose             say more\n"
				  "  -h, --help                show this help\n"
				  "  -V, --version             show the version\n"
				  "my-house keeps things.\n"
				  "\n"
				  "usage: my-house COMMAND [OPTION]...\n"
				  "\n"
				  "  put         put files into a room\n"
				  "  list        list the rooms\n"
				  "\n"
				  "Options of every command:\n"
				  "      --host HOST           where\n"
				  "      --color WHEN          colours\n"
				  "  -v, --verbose             say more\n"
				  "  -h, --help                show this help\n"
				  "  -V, --version             show the version\n"
				  "\n"
				  "Options of some:\n"
				  "  -n, --number N            so many\n"
				  "\n"
				  "The end.\n"
				  "plain is plain.\n"
				  "\n"
				  "usage: plain [OPTION]...\n"
				  "\n"
				  "Options:\n"
				  "      --host HOST           where\n"
				  "      --color WHEN          colours\n"
				  "  -v, --verbose             say more\n"
				  "  -h, --help                show this help\n"
				  "  -V, --version             show the version\n"
				  "\n"
				  "The end.\n");
	free(text);
}

/*
 * What `line` (without the program's name) makes args_hidden() write, to free(); NULL: it is none.
 */
static char *hidden(const char *line, bool *ok)
{
	char *copy, *argv[32], *text = NULL, whole[200];
	struct values v = { .n = 0 };
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	bool is_hidden;
	int argc;

	snprintf(whole, sizeof(whole), "house %s", line);
	argc = line_split(whole, &copy, argv);
	is_hidden = args_hidden(&program, argc, argv, &v, f, ok);
	fclose(f);
	args_free(&program, &v);
	free(copy);
	if (is_hidden)
		return text;
	free(text);
	return NULL;
}

static void manual_pages_get_roff(void **state)
{
	bool ok;
	char *text = hidden("--man-options put", &ok);

	(void)state;
	assert_true(ok);
	assert_non_null(strstr(text, ".TP\n\\fB\\-t\\fR, \\fB\\-\\-tag\\fR \\fITAG\\fR\na tag;"));
	/* Neither a request nor a quote at the start of a line, no bare backslash or minus. */
	assert_non_null(strstr(text, "\n.br\n\\&.Not a request, it's a sentence with a \\e and a "
				     "\\-.\n"));
	assert_null(strstr(text, "number"));
	free(text);
	text = hidden("--man-options common", &ok);
	assert_true(ok && strstr(text, "host") != NULL && strstr(text, "version") != NULL);
	free(text);
	text = hidden("--man-options shared", &ok);
	assert_string_equal(text, ".TP\n\\fB\\-n\\fR, \\fB\\-\\-number\\fR \\fIN\\fR\nso many\n");
	free(text);
	text = hidden("--man-commands", &ok);
	assert_string_equal(text, ".TP\n\\fBput\\fR ROOM FILE...\nput files into a room\n"
				  ".TP\n\\fBlist\\fR [ROOM]\nlist the rooms\n");
	free(text);
	free(hidden("--man-options nope", &ok));
	assert_false(ok);
	free(hidden("--completion tcsh", &ok));
	assert_false(ok);
	assert_null(hidden("put --complete", &ok));
	assert_null(hidden("", &ok));
}

static void completion_offers_what_the_rows_allow(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "\"\"", "put\tput files into a room\nlist\tlist the rooms\n" },
		{ "", "put\tput files into a room\nlist\tlist the rooms\n" },
		{ "pu", "put\tput files into a room\n" },
		{ "-v pu", "put\tput files into a room\n" },
		{ "--host x pu", "put\tput files into a room\n" },
		{ "x", "" },
		{ "x y", "" },
		{ "--col", "--color\tcolours\n" },
		{ "list --n", "" },
		{ "put --n", "--number\tso many\n" },
		{ "put --force", "--force\twhatever stands there\n--force-all\tall of it\n" },
		{ "list -", "--host\twhere\n--color\tcolours\n--verbose\tsay more\n"
			    "--help\tshow this help\n--version\tshow the version\n" },
		{ "list -- -", "" },
		{ "--color a", "auto\nalways\n" },
		{ "--col a", "auto\nalways\n" },
		{ "--color = a", "auto\nalways\n" }, /* as bash cuts it */
		{ "--color =", "auto\nalways\nnever\n" },
		{ "--color=a", "--color=auto\n--color=always\n" },
		{ "--nope=a", "" },
		{ "--host /t", ":files\n" },
		{ "put a", ":files\n" },
		{ "put -n 3 a", ":files\n" },
		{ "put -n 3", "" },
		{ "put -ft b", "bath\n" },
		{ "put -tb b", ":files\n" },
		{ "put --tag \"\"", "attic\nbath\ncellar\n" },
		{ "--host barn list b", "bath\nbarn\n" },
		{ "--host=barn list ba", "bath\nbarn\n" },
		{ "--host = barn list ba", "bath\nbarn\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[200], *text;
		bool ok;

		print_message("%s\n", rows[i].line);
		snprintf(line, sizeof(line), "--complete %s", rows[i].line);
		text = hidden(line, &ok);
		assert_string_equal(text, rows[i].want);
		assert_true(ok);
		free(text);
	}
}

static void completion_files_carry_the_program_s_name(void **state)
{
	static const struct {
		const char *shell, *part;
	} rows[] = {
		{ "bash", "\ncomplete -F _my_house my-house\n" },
		{ "zsh", "#compdef my-house\n" },
		{ "fish", "\ncomplete -c my-house -f -a '(__my_house_complete)'\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[64], *text;
		bool ok;

		snprintf(line, sizeof(line), "--completion %s", rows[i].shell);
		text = hidden(line, &ok);
		assert_true(ok);
		assert_non_null(strstr(text, rows[i].part));
		assert_null(strstr(text, "%N"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_fills_what_the_rows_say),
		cmocka_unit_test(help_and_version_need_nothing_else),
		cmocka_unit_test(what_no_row_says_is_refused_in_a_sentence),
		cmocka_unit_test(a_refusal_knows_its_command),
		cmocka_unit_test(a_program_without_commands_takes_options_alone),
		cmocka_unit_test(distances_count_slips),
		cmocka_unit_test(help_is_wrapped_rows),
		cmocka_unit_test(manual_pages_get_roff),
		cmocka_unit_test(completion_offers_what_the_rows_allow),
		cmocka_unit_test(completion_files_carry_the_program_s_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
