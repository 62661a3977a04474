/* Command lines: rows to what a shell may offer for the word that is being typed. */
#include <stdlib.h>
#include <string.h>

#include "base/args/args_private.h"

/* A line so far: all words but the last. */
struct completion {
	const struct args_program *program;
	const struct args_opt *tables[ARGS_TABLES];
	const struct args_command *command;
	const struct args_opt *open; /* the next word is its value */
	bool only_words;             /* "--" was there */
	void *values;
	FILE *f;
};

/* ---- the words before ---- */

static const struct args_opt *option_of(const struct completion *k, const char *word, size_t len)
{
	const struct args_opt *twin, *other;

	return args_name_find(k->tables, word + 2, len - 2, &twin, &other);
}

/* The option of "-vk" whose value is still to come. */
static const struct args_opt *letters_open(const struct completion *k, const char *word)
{
	for (const char *l = word + 1; *l != '\0'; l++) {
		const struct args_opt *o = args_letter_find(k->tables, *l);

		if (o == NULL || (o->type != ARGS_FLAG && l[1] != '\0'))
			return NULL;
		if (o->type != ARGS_FLAG)
			return o;
	}
	return NULL;
}

/* Wrong words are not complained about: the line is not finished. */
static void completion_word(struct completion *k, const char *word)
{
	const struct args_opt *o;
	size_t len = strcspn(word, "=");

	if (k->open != NULL) {
		/* bash cuts "--name=value" in three. */
		if (strcmp(word, "=") == 0)
			return;
		args_value_set(k->open, word, k->values, NULL);
		k->open = NULL;
	} else if (!k->only_words && strcmp(word, "--") == 0) {
		k->only_words = true;
	} else if (!k->only_words && strncmp(word, "--", 2) == 0) {
		o = option_of(k, word, len);
		if (o == NULL || o->type == ARGS_FLAG)
			return;
		if (word[len] == '=')
			args_value_set(o, word + len + 1, k->values, NULL);
		else
			k->open = o;
	} else if (!k->only_words && word[0] == '-') {
		k->open = letters_open(k, word);
	} else if (k->command == NULL) {
		k->command = args_command_find(k->program, word);
		args_tables(k->program, k->command, k->tables);
	}
}

/* ---- offers for the last one ---- */

/* `before` is what of the typed word stands before the part that is offered: "--color=". */
static void offer_word(const struct completion *k, const char *before, int before_len,
		       const char *begun, const char *word, const char *means)
{
	if (strncmp(word, begun, strlen(begun)) != 0)
		return;
	fprintf(k->f, "%.*s%s", before_len, before, word);
	if (means != NULL)
		fprintf(k->f, "\t%s", means);
	fputc('\n', k->f);
}

static void offer_options(const struct completion *k, const char *begun)
{
	for (size_t t = 0; k->tables[t] != NULL; t++)
		for (const struct args_opt *o = k->tables[t]; o->name != NULL; o++)
			if (strlen(begun) < 2 ||
			    strncmp(o->name, begun + 2, strlen(begun + 2)) == 0)
				fprintf(k->f, "--%s\t%s\n", o->name, o->help);
}

static void offer_commands(const struct completion *k, const char *begun)
{
	const struct args_command *const *c = k->program->commands;

	for (; c != NULL && *c != NULL; c++)
		offer_word(k, "", 0, begun, (*c)->name, (*c)->summary);
}

/* Words of `list`, separated by any of `ends`. The list is cut up. */
static void offer_list(const struct completion *k, const char *before, int before_len,
		       const char *begun, char *list, const char *ends)
{
	char *save = NULL;

	for (char *w = strtok_r(list, ends, &save); w != NULL; w = strtok_r(NULL, ends, &save))
		offer_word(k, before, before_len, begun, w, NULL);
}

static void offer_words(const struct completion *k, const char *before, int before_len,
			const char *begun, int words)
{
	char *list = NULL;
	size_t size = 0;
	FILE *f;

	if (words == ARGS_WORDS_FILES)
		fputs(":files\n", k->f);
	if (words < ARGS_WORDS_OWN || k->program->offer == NULL)
		return;
	f = open_memstream(&list, &size);
	if (f == NULL)
		return;
	k->program->offer(f, words, k->values);
	if (fclose(f) == 0)
		offer_list(k, before, before_len, begun, list, "\n");
	free(list);
}

static void offer_values(const struct completion *k, const struct args_opt *o, const char *before,
			 int before_len, const char *begun)
{
	char *list;

	if (o->choices == NULL) {
		offer_words(k, before, before_len, begun, o->words);
		return;
	}
	list = strdup(o->choices);
	if (list != NULL)
		offer_list(k, before, before_len, begun, list, " ");
	free(list);
}

static void offer_last(const struct completion *k, const char *begun)
{
	size_t len = strcspn(begun, "=");
	const struct args_opt *o;

	if (k->open != NULL) {
		offer_values(k, k->open, "", 0, strcmp(begun, "=") == 0 ? "" : begun);
	} else if (!k->only_words && strncmp(begun, "--", 2) == 0 && begun[len] == '=') {
		o = option_of(k, begun, len);
		if (o != NULL)
			offer_values(k, o, begun, (int)len + 1, begun + len + 1);
	} else if (!k->only_words && begun[0] == '-') {
		offer_options(k, begun);
	} else if (k->command != NULL) {
		offer_words(k, "", 0, begun, k->command->words);
	} else {
		offer_commands(k, begun);
	}
}

void args_complete(const struct args_program *p, char *const *words, int n, void *values, FILE *f)
{
	struct completion k = { .program = p, .values = values, .f = f };

	args_tables(p, NULL, k.tables);
	for (int i = 0; i + 1 < n; i++)
		completion_word(&k, words[i]);
	offer_last(&k, n > 0 ? words[n - 1] : "");
}
