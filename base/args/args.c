/* Command lines: words to values. */
#include "base/args/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/args/args_private.h"

const struct args_opt args_standard[] = {
	{ .letter = 'h',
	  .name = "help",
	  .help = "show this help",
	  .offset = offsetof(struct args_line, help) },
	{ .letter = 'V',
	  .name = "version",
	  .help = "show the version",
	  .offset = offsetof(struct args_line, version) },
	{ .name = NULL },
};

/* One command line while it is read. */
struct args_reader {
	const struct args_program *program;
	const struct args_opt *tables[ARGS_TABLES];
	int argc, at; /* argv[at] is the next word */
	char **argv;
	void *values;
	struct args_line line;
	struct ragd_err *err;
};

/* ---- rows ---- */

void args_tables(const struct args_program *p, const struct args_command *c,
		 const struct args_opt *tables[ARGS_TABLES])
{
	size_t n = 0;

	if (c != NULL && c->opts != NULL)
		tables[n++] = c->opts;
	/*
	 * Before a command is named its options may already stand there, if others take them, too.
	 */
	if (p->shared != NULL && (c == NULL || c->shared))
		tables[n++] = p->shared;
	if (p->common != NULL)
		tables[n++] = p->common;
	tables[n++] = args_standard;
	tables[n] = NULL;
}

const struct args_opt *args_letter_find(const struct args_opt *const *tables, char letter)
{
	for (; *tables != NULL; tables++)
		for (const struct args_opt *o = *tables; o->name != NULL; o++)
			if (o->letter != 0 && o->letter == letter)
				return o;
	return NULL;
}

const struct args_opt *args_name_find(const struct args_opt *const *tables, const char *name,
				      size_t len, const struct args_opt **twin,
				      const struct args_opt **other)
{
	*twin = *other = NULL;
	for (; *tables != NULL; tables++) {
		for (const struct args_opt *o = *tables; o->name != NULL; o++) {
			if (strncmp(o->name, name, len) != 0)
				continue;
			if (o->name[len] == '\0')
				return o;
			if (*twin == NULL)
				*twin = o;
			else
				*other = o;
		}
	}
	if (*other != NULL || *twin == NULL)
		return NULL;
	return *twin;
}

const struct args_command *args_command_find(const struct args_program *p, const char *name)
{
	for (size_t i = 0; p->commands != NULL && p->commands[i] != NULL; i++)
		if (strcmp(p->commands[i]->name, name) == 0)
			return p->commands[i];
	return NULL;
}

/* ---- values ---- */

static bool choice_is_listed(const char *choices, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = choices; len > 0 && (p = strstr(p, word)) != NULL; p += len)
		if ((p == choices || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

static int texts_add(struct args_texts *texts, const char *value, struct ragd_err *err)
{
	const char **more = realloc(texts->at, (texts->n + 1) * sizeof(*more));

	if (more == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	texts->at = more;
	texts->at[texts->n++] = value;
	return 0;
}

static int number_set(const struct args_opt *o, const char *value, void *slot, struct ragd_err *err)
{
	bool whole = o->type == ARGS_NUMBER;
	char *end;
	double x;

	errno = 0;
	x = whole ? (double)strtol(value, &end, 10) : strtod(value, &end);
	/* Written so that NaN is out of range, too. */
	if (errno != 0 || end == value || *end != '\0' || !(x >= o->min && x <= o->max))
		return ragd_err_set(err, -EINVAL, "--%s takes a %s from %.10g to %.10g, not '%s'",
				    o->name, whole ? "whole number" : "number", o->min, o->max,
				    value);
	if (whole)
		*(long *)slot = strtol(value, NULL, 10);
	else
		*(double *)slot = x;
	return 0;
}

int args_value_set(const struct args_opt *o, const char *value, void *values, struct ragd_err *err)
{
	void *slot = (char *)values + o->offset;

	switch (o->type) {
	case ARGS_FLAG:
		*(bool *)slot = true;
		return 0;
	case ARGS_CHOICE:
		if (!choice_is_listed(o->choices, value))
			return ragd_err_set(err, -EINVAL, "--%s takes one of: %s; not '%s'",
					    o->name, o->choices, value);
		*(const char **)slot = value;
		return 0;
	case ARGS_TEXT:
		*(const char **)slot = value;
		return 0;
	case ARGS_TEXTS:
		return texts_add(slot, value, err);
	case ARGS_NUMBER:
	case ARGS_REAL:
		return number_set(o, value, slot, err);
	}
	return -EINVAL;
}

/* ---- words ---- */

/* A row of the program's, or one that every program has. */
static int reader_set(struct args_reader *r, const struct args_opt *o, const char *value)
{
	bool standard = false;

	for (const struct args_opt *s = args_standard; s->name != NULL; s++)
		standard = standard || s == o;
	return args_value_set(o, value, standard ? &r->line : r->values, r->err);
}

/* The value behind an option: `attached`, or the next word. spelt: the option as it was typed. */
static int reader_value(struct args_reader *r, const struct args_opt *o, const char *attached,
			const char *spelt)
{
	if (attached == NULL) {
		if (r->at >= r->argc)
			return ragd_err_set(r->err, -EINVAL, "'%s' needs a value", spelt);
		attached = r->argv[r->at++];
	}
	return reader_set(r, o, attached);
}

/* Of the names that some words nearly are the nearest one, or NULL. */
static const char *name_nearer(const char *word, size_t len, const char *name, size_t *best,
			       const char *so_far)
{
	size_t distance = args_distance(word, len, name);

	/* In a short word one slip, in a longer one two or three; else it is another word. */
	if (distance > (len < 4 ? 1 : len / 3) || distance >= *best)
		return so_far;
	*best = distance;
	return name;
}

static int reader_unknown(struct args_reader *r, const char *word, size_t len)
{
	const char *near = NULL;
	size_t best = (size_t)-1;

	for (size_t t = 0; r->tables[t] != NULL; t++)
		for (const struct args_opt *o = r->tables[t]; o->name != NULL; o++)
			near = name_nearer(word + 2, len - 2, o->name, &best, near);
	if (near != NULL)
		return ragd_err_set(r->err, -EINVAL,
				    "there is no option '%.*s'; did you mean '--%s'?", (int)len,
				    word, near);
	return ragd_err_set(r->err, -EINVAL, "there is no option '%.*s'", (int)len, word);
}

/* "--name", "--name=value" */
static int reader_long(struct args_reader *r, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *attached = word[len] == '=' ? word + len + 1 : NULL;
	const struct args_opt *twin, *other;
	const struct args_opt *o = args_name_find(r->tables, word + 2, len - 2, &twin, &other);

	if (o == NULL && twin != NULL)
		return ragd_err_set(r->err, -EINVAL, "'%.*s' is ambiguous: '--%s' or '--%s'",
				    (int)len, word, twin->name, other->name);
	if (o == NULL)
		return reader_unknown(r, word, len);
	if (o->type != ARGS_FLAG)
		return reader_value(r, o, attached, word);
	if (attached != NULL)
		return ragd_err_set(r->err, -EINVAL, "'--%s' takes no value", o->name);
	return reader_set(r, o, NULL);
}

/* "-v", "-k3", "-vk 3" */
static int reader_letters(struct args_reader *r, const char *word)
{
	int rc = 0;

	for (const char *l = word + 1; rc == 0 && *l != '\0'; l++) {
		const struct args_opt *o = args_letter_find(r->tables, *l);
		char spelt[] = { '-', *l, '\0' };

		if (o == NULL)
			return ragd_err_set(r->err, -EINVAL, "there is no option '-%c'", *l);
		if (o->type != ARGS_FLAG)
			return reader_value(r, o, l[1] != '\0' ? l + 1 : NULL, spelt);
		rc = reader_set(r, o, NULL);
	}
	return rc;
}

static int reader_command(struct args_reader *r, const char *word)
{
	const struct args_program *p = r->program;
	const char *near = NULL;
	size_t best = (size_t)-1;

	r->line.command = args_command_find(p, word);
	if (r->line.command != NULL) {
		args_tables(p, r->line.command, r->tables);
		return 0;
	}
	for (size_t i = 0; p->commands[i] != NULL; i++)
		near = name_nearer(word, strlen(word), p->commands[i]->name, &best, near);
	if (near != NULL)
		return ragd_err_set(r->err, -EINVAL, "there is no command '%s'; did you mean '%s'?",
				    word, near);
	return ragd_err_set(r->err, -EINVAL, "there is no command '%s'", word);
}

static int reader_run(struct args_reader *r)
{
	bool only_words = false;
	int rc = 0;

	while (rc == 0 && r->at < r->argc) {
		char *word = r->argv[r->at++];

		if (!only_words && strcmp(word, "--") == 0)
			only_words = true;
		else if (!only_words && strncmp(word, "--", 2) == 0)
			rc = reader_long(r, word);
		else if (!only_words && word[0] == '-' && word[1] != '\0')
			rc = reader_letters(r, word);
		else if (r->program->commands != NULL && r->line.command == NULL)
			rc = reader_command(r, word);
		else
			/* Never ahead of the reader, which has taken at least one word for it. */
			r->line.rest[r->line.n_rest++] = word;
	}
	return rc;
}

static int rest_check(const struct args_line *line, struct ragd_err *err)
{
	const struct args_command *c = line->command;
	int max = c != NULL ? c->max_rest : 0;

	if (line->help || line->version)
		return 0;
	if (max >= 0 && line->n_rest > max)
		return ragd_err_set(err, -EINVAL, "unexpected argument '%s'", line->rest[max]);
	if (c != NULL && line->n_rest < c->min_rest)
		return ragd_err_set(err, -EINVAL, "missing argument: %s", c->usage);
	return 0;
}

int args_parse(const struct args_program *p, int argc, char **argv, void *values,
	       struct args_line *out, struct ragd_err *err)
{
	struct args_reader r = {
		.program = p,
		.argc = argc,
		.at = 1,
		.argv = argv,
		.values = values,
		.line = { .rest = argv + (argc > 0) },
		.err = err,
	};
	int rc;

	args_tables(p, NULL, r.tables);
	rc = reader_run(&r);
	if (rc == 0)
		rc = rest_check(&r.line, err);
	*out = r.line;
	return rc;
}

/* ---- the end of the values ---- */

/* Two commands may share an offset: what was freed there is empty for the second. */
static void texts_free(const struct args_opt *o, void *values)
{
	for (; o != NULL && o->name != NULL; o++) {
		struct args_texts *texts = (void *)((char *)values + o->offset);

		if (o->type != ARGS_TEXTS)
			continue;
		free(texts->at);
		*texts = (struct args_texts){ NULL, 0 };
	}
}

void args_free(const struct args_program *p, void *values)
{
	texts_free(p->common, values);
	texts_free(p->shared, values);
	for (size_t i = 0; p->commands != NULL && p->commands[i] != NULL; i++)
		texts_free(p->commands[i]->opts, values);
}
