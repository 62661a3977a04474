/* What rag is made of: options, lines, wrapping, walking, the conversation, completion. */
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/rag/answer/answer_view.h"
#include "clients/rag/answer/conversation.h"
#include "clients/rag/batch/json_lines.h"
#include "clients/rag/commands/commands.h"
#include "clients/rag/terminal/progress.h"
#include "clients/rag/terminal/wrap.h"
#include "clients/rag/upload/file.h"
#include "clients/rag/upload/walk.h"
#include "tests/test.h"

#define assert_has(text, part) assert_non_null(strstr(text, part))

/* ---- options ---- */

/* "ask -k 3 hi" as argv; free(argv[0]) and argv. */
static char **words_of(const char *line, int *n)
{
	char *copy = strdup(line), **argv = calloc(32, sizeof(*argv)), *save;

	*n = 0;
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[(*n)++] = w;
	return argv;
}

static void parses_what_the_rows_say(void **state)
{
	struct rag_args a = { .json = false };
	struct args_line line;
	char **argv;
	int n;

	(void)state;
	argv = words_of(
		"rag --socket x ask -c one what --collection=two is -k 12 --json -v -- --this", &n);
	assert_int_equal(args_parse(&rag_program, n, argv, &a, &line, NULL), 0);
	assert_ptr_equal(line.command, &ask_command.args);
	assert_string_equal(a.socket, "x");
	assert_int_equal(a.collections.n, 2);
	assert_string_equal(a.collections.at[1], "two");
	assert_int_equal(a.k, 12);
	assert_true(a.json && a.verbose && !a.batch);
	assert_int_equal(line.n_rest, 3);
	assert_string_equal(line.rest[0], "what");
	assert_string_equal(line.rest[2], "--this");
	args_free(&rag_program, &a);
	free(argv[0]);
	free(argv);
}

static void refuses_what_no_row_says(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{ "rag ask --nope", "no option '--nope'" },
		{ "rag ask --colection x", "did you mean '--collection'?" },
		{ "rag serach x", "no command 'serach'; did you mean 'search'?" },
		{ "rag ask hi -Z", "no option '-Z'" },
		{ "rag -k 3 ask", "no option '-k'" },
		{ "rag ask -k", "'-k' needs a value" },
		{ "rag ask --passages", "'--passages' needs a value" },
		{ "rag ask -k 0", "number from 1 to 50, not '0'" },
		{ "rag ask -k 51", "number from 1 to 50" },
		{ "rag ask -k 5x", "not '5x'" },
		{ "rag ask -k 99999999999999999999", "number from 1 to 50" },
		{ "rag ask --color sometimes", "auto always never" },
		{ "rag ask --color neve", "auto always never" },
		{ "rag ask --json=yes", "takes no value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rag_args a = { .json = false };
		struct ragd_err err = { 0 };
		struct args_line line;
		char **argv;
		int n;

		print_message("%s\n", cases[i].line);
		argv = words_of(cases[i].line, &n);
		assert_int_equal(args_parse(&rag_program, n, argv, &a, &line, &err), -EINVAL);
		assert_has(err.msg, cases[i].part);
		args_free(&rag_program, &a);
		free(argv[0]);
		free(argv);
	}
}

static void every_command_is_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; rag_program.commands[i] != NULL; i++) {
		const struct args_command *c = rag_program.commands[i];

		print_message("%s\n", c->name);
		assert_ptr_equal(args_command_find(&rag_program, c->name), c);
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		for (const struct args_opt *o = c->opts; o != NULL && o->name != NULL; o++) {
			assert_true((o->arg == NULL) == (o->type == ARGS_FLAG));
			assert_true((o->choices != NULL) == (o->type == ARGS_CHOICE));
			assert_true(o->type != ARGS_NUMBER || o->min < o->max);
			for (const struct args_opt *p = rag_program.common; p->name != NULL; p++) {
				assert_string_not_equal(o->name, p->name);
				assert_true(o->letter == 0 || o->letter != p->letter);
			}
			for (const struct args_opt *p = c->opts; p < o; p++) {
				assert_string_not_equal(o->name, p->name);
				assert_true(o->letter == 0 || o->letter != p->letter);
			}
		}
	}
	assert_null(args_command_find(&rag_program, "nope"));
}

static void completes_words(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "se", "search\tfind passages, without an answer\n" },
		{ "re", "reindex\tmake the vectors of a collection again\n"
			"reload\thave the daemon read its configuration again\n" },
		{ "--socket /x st", "status\twhat the daemon is doing\n" },
		{ "ask --color a", "auto\nalways\n" },
		{ "ask -k 3 --verb", "--verbose\tshow more: quotes, ids, what was skipped\n" },
		{ "feedback --reason not", "not_in_sources\n" },
		{ "add x", ":files\n" },
		{ "ask -c x --socket /", ":files\n" },
		{ "ask what", "" },
		{ "--socket /nonexistent ask -c x", "" },
		{ "nope x", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rag_args a = { .json = false };
		char **argv, *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		int n;

		print_message("%s\n", cases[i].line);
		argv = words_of(cases[i].line, &n);
		args_complete(&rag_program, argv, n, &a, f);
		fclose(f);
		assert_string_equal(text, cases[i].want);
		args_free(&rag_program, &a);
		free(text);
		free(argv[0]);
		free(argv);
	}
}

/* ---- lines ---- */

static void understands_a_line(void **state)
{
	static const char json[] = "{\"id\":7,\"question\":\"why\\u0000not\",\"stage\":\"prompt\"}";
	struct ragd_err err;
	struct json_line line;

	(void)state;
	assert_int_equal(json_line_parse(json, strlen(json), 3, true, &line, &err), 0);
	assert_string_equal(line.id, "7");
	assert_int_equal(line.number, 3);
	assert_int_equal(line.text_len, 7);
	assert_true(json_is_integer(line.id_json));
	json_line_fini(&line);
	assert_int_equal(json_line_parse("{\"text\":\"x\"}", 12, 1, false, &line, &err), 0);
	assert_string_equal(line.id, "");
	assert_true(json_is_null(line.id_json));
	json_line_fini(&line);
}

static void refuses_a_bad_line(void **state)
{
	static const struct {
		const char *json, *part;
	} cases[] = {
		{ "{", "not JSON" },
		{ "hello", "not JSON" },
		{ "[1]", "not a JSON object" },
		{ "{\"text\":\"x\"}", "\"id\" is missing" },
		{ "{\"id\":\"\",\"text\":\"x\"}", "\"id\" is missing" },
		{ "{\"id\":null,\"text\":\"x\"}", "\"id\" is missing" },
		{ "{\"id\":[],\"text\":\"x\"}", "neither a string nor" },
		{ "{\"id\":1.5,\"text\":\"x\"}", "neither a string nor" },
		{ "{\"id\":\"a\"}", "\"text\" is missing" },
		{ "{\"id\":\"a\",\"text\":4}", "\"text\" is not a string" },
		{ "{\"id\":\"a\",\"text\":\"\xff\"}", "not JSON" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ragd_err err = { 0 };
		struct json_line line;

		print_message("%s\n", cases[i].json);
		assert_int_equal(
			json_line_parse(cases[i].json, strlen(cases[i].json), 1, true, &line, &err),
			-EINVAL);
		assert_has(err.msg, cases[i].part);
	}
}

static void reads_lines_and_counts_them(void **state)
{
	char input[] = "one\n\n  \r\nfour\nlast without end";
	FILE *f = fmemopen(input, strlen(input), "r");
	char *text = NULL;
	size_t size = 0, number = 0;

	(void)state;
	assert_int_equal(json_line_next(f, &text, &size, &number), 4);
	assert_int_equal(number, 1);
	assert_int_equal(json_line_next(f, &text, &size, &number), 5);
	assert_int_equal(number, 4);
	assert_int_equal(json_line_next(f, &text, &size, &number), 16);
	assert_int_equal(number, 5);
	assert_int_equal(json_line_next(f, &text, &size, &number), 0);
	free(text);
	fclose(f);
}

/* ---- wrapping ---- */

/* text through a terminal of that width, fed n bytes (whole characters) at a time; free() it. */
static char *wrapped(const char *text, unsigned width, size_t step, bool tty, size_t from,
		     size_t to)
{
	char *out = NULL;
	size_t size, len = strlen(text);
	struct out o = {
		.f = open_memstream(&out, &size), .tty = tty, .color = from < to, .width = width
	};
	struct wrap w;

	wrap_init(&w, &o, 0);
	if (from < to)
		wrap_mark(&w, from, to);
	for (size_t i = 0; i < len;) {
		size_t n = i + step < len ? step : len - i;

		while (i + n < len && ((unsigned char)text[i + n] & 0xc0) == 0x80)
			n++;
		wrap_text(&w, text + i, n);
		i += n;
	}
	wrap_end(&w);
	fclose(o.f);
	return out;
}

static void wraps_at_words(void **state)
{
	static const struct {
		const char *name, *text;
		unsigned width;
		const char *want;
	} cases[] = {
		{ "words go to the next line whole", "aaa bbb ccc", 7, "aaa bbb\nccc\n" },
		{ "a line that fits to the column", "aaa bbb", 7, "aaa bbb\n" },
		{ "a word longer than the line", "a bbbbbbbbbb c", 5, "a\nbbbbbbbbbb\nc\n" },
		{ "line ends stay", "a\n\nb\n", 10, "a\n\nb\n" },
		{ "leading spaces stay", "x\n    code y", 20, "x\n    code y\n" },
		{ "no space at a broken end", "aaaa   bbbb", 6, "aaaa\nbbbb\n" },
		{ "accents count one column", "ää öö üü", 5, "ää öö\nüü\n" },
		{ "wide characters count two and break anywhere", "日本語日本語", 6,
		  "日本語\n日本語\n" },
		{ "nothing", "", 6, "" },
		{ "controls are made harmless", "a\x1b[31mb", 20, "a\xef\xbf\xbd[31mb\n" },
		{ "so are those that turn the line around",
		  "a\xe2\x80\xae"
		  "b",
		  20,
		  "a\xef\xbf\xbd"
		  "b\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].name);
		for (size_t step = 1; step < 6; step++) {
			char *got = wrapped(cases[i].text, cases[i].width, step, true, 0, 0);

			assert_string_equal(got, cases[i].want);
			free(got);
		}
	}
}

static void a_pipe_gets_the_bare_text(void **state)
{
	char *got = wrapped("aaa bbb ccc \x1b[1m ddd", 5, 4, false, 0, 0);

	(void)state;
	assert_string_equal(got, "aaa bbb ccc \x1b[1m ddd\n");
	free(got);
}

static void marks_have_their_colour(void **state)
{
	char *got = wrapped("Größe 4. [1] ok", 40, 3, true, 9, 12);

	(void)state;
	assert_string_equal(got, "Größe 4. \033[36m[1]\033[0m ok\n");
	free(got);
}

static void headings_do_not_repeat_the_title(void **state)
{
	(void)state;
	assert_string_equal(answer_view_heading("Guide", "Guide"), "");
	assert_string_equal(answer_view_heading("Guide", "Guide > Start > Here"), "Start > Here");
	assert_string_equal(answer_view_heading("Guide", "Guidelines"), "Guidelines");
	assert_string_equal(answer_view_heading("Guide", "Other > Guide"), "Other > Guide");
	assert_string_equal(answer_view_heading("Guide", ""), "");
}

static void colour_is_asked_for(void **state)
{
	struct out o;
	FILE *f = fopen("/dev/null", "w");

	(void)state;
	out_init(&o, f, NULL);
	assert_false(o.color || o.tty);
	out_init(&o, f, "always");
	assert_true(o.color);
	out_init(&o, f, "never");
	assert_false(o.color);
	fclose(f);
}

/* ---- files ---- */

struct folder {
	char path[64];
};

static int folder_setup(void **state)
{
	struct folder *d = calloc(1, sizeof(*d));

	strcpy(d->path, "/tmp/ragd-walk-XXXXXX");
	*state = d;
	return mkdtemp(d->path) != NULL && chdir(d->path) == 0 ? 0 : -1;
}

static int folder_teardown(void **state)
{
	struct folder *d = *state;
	char command[100];
	int rc;

	snprintf(command, sizeof(command), "rm -rf '%s'", d->path);
	rc = chdir("/") == 0 ? system(command) : -1;
	free(d);
	return rc;
}

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* "id id!why id", in order. */
static char *walk_text(const struct file_walk *w)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < w->n; i++)
		fprintf(f, "%s%s%s%s", i > 0 ? " | " : "", w->files[i].id,
			w->files[i].why != NULL ? ": " : "",
			w->files[i].why != NULL ? w->files[i].why : "");
	fclose(f);
	return text;
}

static void assert_walk(const char *path, const char *prefix, const char *want)
{
	struct file_walk w = { .n = 0 };
	char *got;

	walk_add(&w, path, prefix);
	got = walk_text(&w);
	assert_string_equal(got, want);
	free(got);
	walk_fini(&w);
}

static void ids_come_from_paths(void **state)
{
	(void)state;
	assert_int_equal(mkdir("docs", 0700), 0);
	assert_int_equal(mkdir("docs/b", 0700), 0);
	assert_int_equal(mkdir("docs/.git", 0700), 0);
	assert_int_equal(mkdir("other", 0700), 0);
	make_file("docs/z.md", "z");
	make_file("docs/b/y.md", "y");
	make_file("docs/a.md", "a");
	make_file("docs/.hidden", "h");
	make_file("docs/.git/x", "x");
	make_file("other/secret", "s");
	assert_walk("docs", NULL, "a.md | b/y.md | z.md");
	assert_walk("docs/", NULL, "a.md | b/y.md | z.md");
	assert_walk("./docs/../docs", "lib", "lib/a.md | lib/b/y.md | lib/z.md");
	assert_walk("docs/b", "lib/", "lib/y.md");
	assert_walk("docs/b/y.md", NULL, "y.md");
	assert_walk("docs/.hidden", "p", "p/.hidden");
	assert_walk(".", NULL, "docs/a.md | docs/b/y.md | docs/z.md | other/secret");
	assert_walk("nowhere", NULL, "nowhere: there is no such file or folder");
}

static void links_are_followed_inside_the_folder_only(void **state)
{
	struct file_walk w = { .n = 0 };
	char *got;

	(void)state;
	mkdir("docs", 0700);
	mkdir("docs-more", 0700);
	make_file("docs/a.md", "a");
	make_file("docs-more/b.md", "b");
	make_file("secret", "s");
	assert_int_equal(symlink("a.md", "docs/inside"), 0);
	assert_int_equal(symlink("../secret", "docs/outside"), 0);
	assert_int_equal(symlink("../docs-more/b.md", "docs/beside"), 0);
	assert_int_equal(symlink("..", "docs/up"), 0);
	assert_int_equal(symlink("gone", "docs/dangling"), 0);
	assert_int_equal(symlink("circle", "docs/circle"), 0);
	assert_int_equal(symlink("docs", "link"), 0);
	walk_add(&w, "docs", NULL);
	got = walk_text(&w);
	assert_string_equal(got, "a.md | inside");
	assert_int_equal(w.n_skipped, 5);
	free(got);
	walk_fini(&w);
	/* What is named is meant. */
	assert_walk("link", NULL, "a.md | inside");
	assert_walk("docs/outside", NULL, "outside");
	assert_walk("docs/circle", NULL, "circle: its symbolic links lead in a circle");
}

static void what_is_no_file_says_so(void **state)
{
	(void)state;
	mkdir("docs", 0700);
	assert_int_equal(mkfifo("docs/pipe", 0600), 0);
	make_file("docs/a", "a");
	assert_walk("docs", NULL, "a | pipe: a FIFO, not a file");
	assert_walk("docs/pipe", NULL, "pipe: a FIFO, not a file");
	assert_walk("/dev/null", NULL, "null: a device, not a file");
	if (geteuid() != 0) {
		assert_int_equal(chmod("docs", 0), 0);
		assert_walk("docs", NULL, ": you may not read it");
		chmod("docs", 0700);
	}
}

static void twins_are_told(void **state)
{
	struct file_walk w = { .n = 0 };
	char *got;

	(void)state;
	mkdir("a", 0700);
	mkdir("b", 0700);
	make_file("a/x", "1");
	make_file("b/x", "2");
	make_file("b/y", "3");
	walk_add(&w, "b", NULL);
	walk_add(&w, "a", NULL);
	walk_mark_twins(&w);
	got = walk_text(&w);
	assert_string_equal(
		got,
		"x | y | x: another file has the same id already; add them apart with --prefix");
	free(got);
	walk_fini(&w);
}

static void reads_files_and_refuses_what_is_no_text(void **state)
{
	struct ragd_err err;
	char *data;
	size_t len;
	FILE *f;

	(void)state;
	make_file("text", "hello");
	assert_int_equal(file_read("text", &data, &len, &err), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "hello", 5);
	free(data);
	make_file("empty", "");
	assert_int_equal(file_read("empty", &data, &len, &err), 0);
	assert_int_equal(len, 0);
	free(data);
	/* One that says it has no length, as those of /proc. */
	assert_int_equal(file_read("/proc/self/status", &data, &len, &err), 0);
	assert_true(len > 100);
	free(data);
	f = fopen("binary", "w");
	fwrite("\x7f"
	       "ELF\0\0",
	       1, 6, f);
	fclose(f);
	assert_int_equal(file_read("binary", &data, &len, &err), -EILSEQ);
	assert_string_equal(err.msg, "binary, not text");
	f = fopen("wide", "w");
	fwrite("\xff\xfeh\0i\0", 1, 6, f);
	fclose(f);
	assert_int_equal(file_read("wide", &data, &len, &err), -EILSEQ);
	assert_has(err.msg, "iconv -f UTF-16");
	f = fopen("pdf", "w");
	fwrite("%PDF-1.7\0", 1, 9, f);
	fclose(f);
	assert_int_equal(file_read("pdf", &data, &len, &err), 0);
	free(data);
	assert_int_equal(file_read("missing", &data, &len, &err), -ENOENT);
	assert_string_equal(err.msg, "it is gone");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(file_read("pipe", &data, &len, &err), -EINVAL);
	assert_int_equal(file_read(".", &data, &len, &err), -EINVAL);
	assert_int_equal(truncate("text", (off_t)FILE_SIZE_MAX + 1), 0);
	assert_int_equal(file_read("text", &data, &len, &err), -EFBIG);
	assert_has(err.msg, "larger than 512 MiB");
	if (geteuid() != 0) {
		chmod("empty", 0);
		assert_int_equal(file_read("empty", &data, &len, &err), -EACCES);
	}
}

/* ---- the rest ---- */

static void the_bar_tells_how_far(void **state)
{
	char line[120];

	(void)state;
	progress_line(line, sizeof(line), 1 << 20, 2 << 20, 1000000);
	assert_string_equal(line,
			    "  [############            ]  50%  1.0 MiB  1.0 MiB/s  0:01 left");
	progress_line(line, sizeof(line), 0, 1000, 0);
	assert_has(line, "  0%  0 B  0 B/s  0:00 left");
	progress_line(line, sizeof(line), 2048, 1000, 1);
	assert_has(line, "100%");
	progress_line(line, sizeof(line), 1536, 0, 1000000);
	assert_string_equal(line, "  1.5 KiB  1.5 KiB/s");
	progress_line(line, sizeof(line), 1, (uint64_t)1 << 40, 1000000);
	assert_has(line, "1 B/s");
}

static void a_conversation_forgets_its_beginning(void **state)
{
	static char big[CONVERSATION_BYTES_MAX + 1];
	const struct ragd_turn *turns;
	struct conversation t = { .n = 0 };
	size_t n;

	(void)state;
	for (int i = 0; i < 100; i++) {
		char q[16];

		snprintf(q, sizeof(q), "q%d", i);
		conversation_add(&t, q, "a");
	}
	turns = conversation_turns(&t, &n);
	assert_int_equal(n, CONVERSATION_TURNS_MAX);
	assert_string_equal(turns[0].text, "q80");
	assert_string_equal(turns[0].role, "user");
	assert_string_equal(turns[n - 1].role, "assistant");
	memset(big, 'x', sizeof(big) - 1);
	conversation_add(&t, "q", big); /* with the question it is too much by itself */
	conversation_turns(&t, &n);
	assert_int_equal(n, 0);
	conversation_add(&t, "q", "a");
	conversation_turns(&t, &n);
	assert_int_equal(n, 2);
	conversation_fini(&t);
}

int main(void)
{
#define in_folder(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_the_rows_say),
		cmocka_unit_test(refuses_what_no_row_says),
		cmocka_unit_test(every_command_is_in_order),
		cmocka_unit_test(completes_words),
		cmocka_unit_test(understands_a_line),
		cmocka_unit_test(refuses_a_bad_line),
		cmocka_unit_test(reads_lines_and_counts_them),
		cmocka_unit_test(wraps_at_words),
		cmocka_unit_test(a_pipe_gets_the_bare_text),
		cmocka_unit_test(marks_have_their_colour),
		cmocka_unit_test(headings_do_not_repeat_the_title),
		cmocka_unit_test(colour_is_asked_for),
		in_folder(ids_come_from_paths),
		in_folder(links_are_followed_inside_the_folder_only),
		in_folder(what_is_no_file_says_so),
		in_folder(twins_are_told),
		in_folder(reads_files_and_refuses_what_is_no_text),
		cmocka_unit_test(the_bar_tells_how_far),
		cmocka_unit_test(a_conversation_forgets_its_beginning),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
