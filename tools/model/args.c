#include "tools/model/args.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OPTS_MAX   40
#define LONG_FIRST 256 /* getopt's value for the row i is LONG_FIRST + i */

const struct opt common_opts[] = {
	{ .letter = 'm',
	  .name = "model",
	  .arg = "FILE",
	  .help = "the GGUF file; of a model in several files the first",
	  .type = OPT_TEXT,
	  .offset = offsetof(struct args, model) },
	{ .name = "json",
	  .help = "write JSON",
	  .type = OPT_FLAG,
	  .offset = offsetof(struct args, json) },
	{ .letter = 'h',
	  .name = "help",
	  .help = "show this help",
	  .type = OPT_FLAG,
	  .offset = offsetof(struct args, help) },
	{ .letter = 'V',
	  .name = "version",
	  .help = "show the version",
	  .type = OPT_FLAG,
	  .offset = offsetof(struct args, version) },
	{ .name = NULL },
};

/* getopt's view of the rows. */
struct table {
	const struct opt *rows[OPTS_MAX];
	size_t n;
	struct option longs[OPTS_MAX + 1];
	char letters[2 * OPTS_MAX + 3];
};

static void table_add(struct table *t, const struct opt *opts)
{
	char *l = t->letters + strlen(t->letters);

	for (const struct opt *o = opts; o != NULL && o->name != NULL && t->n < OPTS_MAX; o++) {
		t->longs[t->n] =
			(struct option){ o->name,
					 o->type == OPT_FLAG ? no_argument : required_argument,
					 NULL, LONG_FIRST + (int)t->n };
		t->rows[t->n++] = o;
		if (o->letter == 0)
			continue;
		*l++ = o->letter;
		if (o->type != OPT_FLAG)
			*l++ = ':';
		*l = '\0';
	}
}

static const struct opt *table_find(const struct table *t, int got)
{
	if (got >= LONG_FIRST)
		return t->rows[got - LONG_FIRST];
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i]->letter == got)
			return t->rows[i];
	return NULL;
}

static bool word_in(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; len > 0 && (p = strstr(p, word)) != NULL; p += len)
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

static int opt_set(struct args *a, const struct opt *o, const char *value, char *why, size_t size)
{
	void *slot = (char *)a + o->offset;
	char *end;
	double x;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)slot = true;
		return 0;
	case OPT_TEXT:
		*(const char **)slot = value;
		return 0;
	case OPT_CHOICE:
		if (!word_in(o->choices, value)) {
			snprintf(why, size, "--%s takes one of: %s; not '%s'", o->name, o->choices,
				 value);
			return -1;
		}
		*(const char **)slot = value;
		return 0;
	default:
		break;
	}
	errno = 0;
	x = o->type == OPT_NUMBER ? (double)strtol(value, &end, 10) : strtod(value, &end);
	if (errno != 0 || end == value || *end != '\0' || !(x >= o->min) || !(x <= o->max)) {
		snprintf(why, size, "--%s takes a %snumber from %.10g to %.10g; not '%s'", o->name,
			 o->type == OPT_NUMBER ? "whole " : "", o->min, o->max, value);
		return -1;
	}
	if (o->type == OPT_NUMBER)
		*(long *)slot = strtol(value, NULL, 10);
	else
		*(double *)slot = x;
	return 0;
}

int args_parse(struct args *a, int argc, char **argv, const struct opt *opts,
	       const struct opt *more, bool stop, char *why, size_t size)
{
	struct table t = { .n = 0 };
	const struct opt *o;
	int got, at;

	strcpy(t.letters, stop ? "+:" : ":");
	table_add(&t, opts);
	table_add(&t, more);
	table_add(&t, common_opts);
	opterr = 0;
	optind = 0; /* glibc: forget the last command line */
	for (;;) {
		at = optind > 0 ? optind : 1;
		got = getopt_long(argc, argv, t.letters, t.longs, NULL);
		if (got == -1)
			break;
		if (got == '?' || got == ':') {
			const char *word = argv[optind > at ? optind - 1 : at];

			if (got == ':')
				snprintf(why, size, "'%s' needs a value", word);
			else if (optopt != 0 && optopt < LONG_FIRST)
				snprintf(why, size, "there is no option '-%c'", optopt);
			else
				snprintf(why, size, "there is no option '%s', or it takes no value",
					 word);
			return -1;
		}
		o = table_find(&t, got);
		if (o == NULL || opt_set(a, o, optarg, why, size) < 0)
			return -1;
	}
	a->rest = argv + optind;
	a->n_rest = argc - optind;
	return 0;
}

/* ---- showing rows --------------------------------------------------------------------------- */

#define HELP_COLUMN 26
#define HELP_WIDTH  96

static void help_row(FILE *f, const struct opt *o)
{
	const char *rest = o->help;
	int col;

	col = o->letter != 0 ? fprintf(f, "  -%c, --%s", o->letter, o->name)
			     : fprintf(f, "      --%s", o->name);
	if (o->arg != NULL)
		col += fprintf(f, " %s", o->arg);
	while (*rest != '\0') {
		size_t cut = strlen(rest), room = HELP_WIDTH - HELP_COLUMN;

		if (cut > room)
			for (cut = room; cut > 1 && rest[cut] != ' '; cut--)
				;
		if (col > HELP_COLUMN - 2) {
			fputc('\n', f);
			col = 0;
		}
		fprintf(f, "%*s%.*s\n", HELP_COLUMN - col, "", (int)cut, rest);
		col = 0;
		rest += cut;
		rest += strspn(rest, " ");
	}
}

void args_help(FILE *f, const struct opt *opts)
{
	for (const struct opt *o = opts; o != NULL && o->name != NULL; o++)
		help_row(f, o);
}

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

void args_man(FILE *f, const struct opt *opts)
{
	for (const struct opt *o = opts; o != NULL && o->name != NULL; o++) {
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
}
