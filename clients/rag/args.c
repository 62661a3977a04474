#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OPTS_MAX   48
#define LONG_FIRST 256 /* getopt's value for the row i is LONG_FIRST + i */

const struct opt common_opts[] = {
	{ .name = "socket",
	  .arg = "PATH",
	  .help = "the daemon's socket; default: $RAGD_SOCKET, else the user's own, else the "
		  "system's",
	  .type = OPT_TEXT,
	  .offset = offsetof(struct args, socket),
	  .words = WORDS_FILES },
	{ .name = "json",
	  .help = "write what the daemon replied, as JSON",
	  .type = OPT_FLAG,
	  .offset = offsetof(struct args, json) },
	{ .name = "color",
	  .arg = "WHEN",
	  .help = "colours: auto (on a terminal, unless NO_COLOR is set), always or never",
	  .type = OPT_CHOICE,
	  .offset = offsetof(struct args, color),
	  .choices = "auto always never" },
	{ .letter = 'v',
	  .name = "verbose",
	  .help = "show more: quotes, ids, what was skipped",
	  .type = OPT_FLAG,
	  .offset = offsetof(struct args, verbose) },
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
	struct texts *texts = slot;
	const char **more;
	char *end;
	long n;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)slot = true;
		return 0;
	case OPT_CHOICE:
		if (!word_in(o->choices, value)) {
			snprintf(why, size, "--%s takes one of: %s; not '%s'", o->name, o->choices,
				 value);
			return -1;
		}
		*(const char **)slot = value;
		return 0;
	case OPT_TEXT:
		*(const char **)slot = value;
		return 0;
	case OPT_TEXTS:
		more = realloc(texts->at, (texts->n + 1) * sizeof(*more));
		if (more == NULL) {
			snprintf(why, size, "out of memory");
			return -1;
		}
		texts->at = more;
		texts->at[texts->n++] = value;
		return 0;
	case OPT_NUMBER:
		errno = 0;
		n = strtol(value, &end, 10);
		if (errno != 0 || end == value || *end != '\0' || n < o->min || n > o->max) {
			snprintf(why, size, "--%s takes a number from %ld to %ld; not '%s'",
				 o->name, o->min, o->max, value);
			return -1;
		}
		*(long *)slot = n;
		return 0;
	}
	return -1;
}

int args_parse(struct args *a, int argc, char **argv, const struct opt *opts, bool stop, char *why,
	       size_t size)
{
	struct table t = { .n = 0 };
	const struct opt *o;
	int got, at;

	strcpy(t.letters, stop ? "+:" : ":");
	table_add(&t, opts);
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

void args_fini(struct args *a)
{
	free(a->collections.at);
	free(a->tags.at);
	a->collections = a->tags = (struct texts){ NULL, 0 };
}

char *args_join(const struct args *a, int first)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (int i = first; i < a->n_rest; i++)
		fprintf(f, "%s%s", i > first ? " " : "", a->rest[i]);
	fclose(f);
	return text;
}

#define HELP_COLUMN 28

static void help_row(FILE *f, const struct opt *o, unsigned width)
{
	unsigned room = width > HELP_COLUMN + 20 ? width - HELP_COLUMN : 20;
	const char *rest = o->help;
	int col;

	col = o->letter != 0 ? fprintf(f, "  -%c, --%s", o->letter, o->name)
			     : fprintf(f, "      --%s", o->name);
	if (o->arg != NULL)
		col += fprintf(f, " %s", o->arg);
	while (*rest != '\0') {
		size_t len = strlen(rest), cut = len;

		if (len > room) {
			for (cut = room; cut > 0 && rest[cut] != ' '; cut--)
				;
			cut = cut > 0 ? cut : room;
		}
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

void args_help(FILE *f, const struct opt *opts, unsigned width)
{
	for (const struct opt *o = opts; o != NULL && o->name != NULL; o++)
		help_row(f, o, width);
}
