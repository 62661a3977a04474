#include "manual.h"

#include <jansson.h>
#include <string.h>

#define COMPLETE_TIMEOUT_MS 1000 /* who pressed Tab does not wait long */

static void put_roff(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s != '\0'; s++) {
		if (*s == '-')
			fputs("\\-", f);
		else if (*s == '\\')
			fputs("\\e", f);
		else
			fputc(*s, f);
	}
}

static void put_roff_row(FILE *f, const struct opt *o)
{
	fputs(".TP\n", f);
	if (o->letter != 0)
		fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", f);
	put_roff(f, o->name);
	fputs("\\fR", f);
	if (o->arg != NULL)
		fprintf(f, " \\fI%s\\fR", o->arg);
	fputc('\n', f);
	put_roff(f, o->help);
	fputc('\n', f);
}

static void put_roff_rows(FILE *f, const struct opt *rows)
{
	for (const struct opt *o = rows; o != NULL && o->name != NULL; o++)
		put_roff_row(f, o);
}

static void put_roff_commands(FILE *f)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		fprintf(f, ".TP\n\\fBrag %s\\fR%s", commands[i]->name,
			commands[i]->usage[0] != '\0' ? " " : "");
		put_roff(f, commands[i]->usage);
		fputc('\n', f);
		put_roff(f, commands[i]->summary);
		fprintf(f, "; see\n.BR rag\\-%s (1)\n", commands[i]->name);
	}
}

/* ---- completion ---- */

static void offer(FILE *f, const char *word, const char *begun)
{
	if (strncmp(word, begun, strlen(begun)) == 0)
		fprintf(f, "%s\n", word);
}

static void offer_choices(FILE *f, const char *choices, const char *begun)
{
	char word[64];

	while (*choices != '\0') {
		size_t len = strcspn(choices, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, choices);
		offer(f, word, begun);
		choices += len + strspn(choices + len, " ");
	}
}

static void offer_options(FILE *f, const struct opt *rows, const char *begun)
{
	char word[64];

	for (const struct opt *o = rows; o != NULL && o->name != NULL; o++) {
		snprintf(word, sizeof(word), "--%s", o->name);
		offer(f, word, begun);
	}
}

static void offer_collections(FILE *f, struct ragd_client *c, const char *begun)
{
	const struct ragd_collection_row *row;
	struct ragd_collections *l;

	if (ragd_client_collections(c, &l, NULL) < 0)
		return;
	for (size_t i = 0; (row = ragd_collections_at(l, i)) != NULL; i++)
		offer(f, row->name, begun);
	ragd_collections_free(l);
}

static void offer_assistants(FILE *f, struct ragd_client *c, const char *begun)
{
	json_t *root, *one;
	char *text;
	size_t i;

	if (ragd_client_assistants(c, &text, NULL) < 0)
		return;
	root = json_loads(text, 0, NULL);
	json_array_foreach(json_object_get(root, "data"), i, one) {
		const char *id = json_string_value(json_object_get(one, "id"));

		if (id != NULL)
			offer(f, id, begun);
	}
	json_decref(root);
	ragd_free(text);
}

static void offer_words(FILE *f, enum opt_words words, const char *socket, const char *begun)
{
	struct ragd_client *c;

	if (words == WORDS_NONE)
		return;
	if (words == WORDS_FILES) {
		fputs("files\n", f);
		return;
	}
	if (ragd_client_open(socket, &c, NULL) < 0)
		return;
	ragd_client_timeout(c, COMPLETE_TIMEOUT_MS);
	if (words == WORDS_COLLECTIONS)
		offer_collections(f, c, begun);
	else
		offer_assistants(f, c, begun);
	ragd_client_close(c);
}

/* The row that a word such as "-c" or "--collection" names, if it takes a value. */
static const struct opt *row_of(const struct opt *rows, const char *word)
{
	for (const struct opt *o = rows; o != NULL && o->name != NULL; o++) {
		if (o->type == OPT_FLAG)
			continue;
		if (word[0] == '-' && word[1] == o->letter && o->letter != 0 && word[2] == '\0')
			return o;
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0)
			return o;
	}
	return NULL;
}

void manual_complete(FILE *f, char *const *words, int n)
{
	const char *begun = n > 0 ? words[n - 1] : "", *socket = NULL;
	const struct command *c = NULL;
	const struct opt *o = NULL;

	for (int i = 0; i + 1 < n; i++) {
		o = row_of(c != NULL ? c->opts : NULL, words[i]);
		if (o == NULL)
			o = row_of(common_opts, words[i]);
		if (o != NULL && i + 2 < n) {
			if (strcmp(o->name, "socket") == 0)
				socket = words[i + 1];
			i++; /* its value */
			o = NULL;
		} else if (o == NULL && c == NULL) {
			c = command_find(words[i]);
		}
	}
	if (o != NULL) {
		if (o->choices != NULL)
			offer_choices(f, o->choices, begun);
		offer_words(f, o->words, socket, begun);
	} else if (begun[0] == '-') {
		offer_options(f, c != NULL ? c->opts : NULL, begun);
		offer_options(f, common_opts, begun);
	} else if (c != NULL) {
		offer_words(f, c->words, socket, begun);
	} else {
		for (size_t i = 0; commands[i] != NULL; i++)
			offer(f, commands[i]->name, begun);
	}
}

int manual_main(int argc, char **argv)
{
	const struct command *c = argc > 2 ? command_find(argv[2]) : NULL;

	if (strcmp(argv[1], "--man-commands") == 0)
		put_roff_commands(stdout);
	else if (strcmp(argv[1], "--man-complete") == 0)
		manual_complete(stdout, argv + 2, argc - 2);
	else if (strcmp(argv[1], "--man-options") == 0 && argc > 2 &&
		 strcmp(argv[2], "common") == 0)
		put_roff_rows(stdout, common_opts);
	else if (strcmp(argv[1], "--man-options") == 0 && c != NULL)
		put_roff_rows(stdout, c->opts);
	else
		return EXIT_USAGE;
	return EXIT_ANSWERED;
}
