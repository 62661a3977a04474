/*
 * Keeps the tables of options in manual pages and guides equal to the rows they describe.
 *
 *     optiondoc [--write] FILE…
 *
 * In each file, what stands between the lines "BEGIN options WHAT" and "END options" is what the
 * rows say; WHAT is a section of the configuration, `plugin MODULE`, or `defaults` for the built-in
 * configuration. Without --write a difference is an error. Files that end in .md get tables, others
 * manual page source. Modules are looked for in RAGD_PLUGIN_PATH.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/config/config.h"
#include "daemon/config/config_rows.h"
#include "daemon/modules/module.h"
#include "daemon/modules/option.h"

/* One row in words. */
struct option_entry {
	const char *name;
	const char *value;
	const char *dflt; /* NULL: must be given */
	const char *help;
	bool words; /* dflt is words about it, not what would be written */
};

/* A value as it would stand in the file: quoted if libconfuse would not take it for one word. */
static void add_literal(struct buf *b, const char *s)
{
	bool bare = s[0] != '\0' && strpbrk(s, " \t\"'{}()=,#+*") == NULL;

	buf_printf(b, bare ? "%s" : "\"%s\"", s);
}

static void put_md_text(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
}

static void put_md(struct buf *b, const struct option_entry *e)
{
	buf_printf(b, "| `%s` | ", e->name);
	put_md_text(b, e->value);
	buf_adds(b, " | ");
	if (e->dflt == NULL) {
		buf_adds(b, "must be given");
	} else if (e->words) {
		put_md_text(b, e->dflt);
	} else {
		buf_addc(b, '`');
		add_literal(b, e->dflt);
		buf_addc(b, '`');
	}
	buf_adds(b, " | ");
	put_md_text(b, e->help);
	buf_adds(b, " |\n");
}

static void put_man_text(struct buf *b, const char *s)
{
	if (*s == '.' || *s == '\'')
		buf_adds(b, "\\&");
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			buf_adds(b, "\\e");
		else if (*s == '-')
			buf_adds(b, "\\-");
		else
			buf_addc(b, *s);
	}
}

static void put_man(struct buf *b, const struct option_entry *e)
{
	struct buf literal = BUF_INIT;

	buf_printf(b, ".TP\n.BR %s \" = \" ", e->name);
	buf_addc(b, '"');
	put_man_text(b, e->value);
	buf_adds(b, "\"\n");
	put_man_text(b, e->help);
	buf_addc(b, '\n');
	if (e->dflt == NULL) {
		buf_adds(b, "Must be given.\n");
	} else if (e->words) {
		buf_adds(b, "Default: ");
		put_man_text(b, e->dflt);
		buf_adds(b, ".\n");
	} else {
		add_literal(&literal, e->dflt);
		buf_adds(b, "Default:\n.B ");
		put_man_text(b, literal.data);
		buf_addc(b, '\n');
		buf_fini(&literal);
	}
}

/* value NULL: as the option's type says */
static void put_row(struct buf *b, bool md, const struct ragd_option *o, const char *value,
		    const char *otherwise, bool required)
{
	char allowed[256];
	struct option_entry e = { .name = o->name, .help = o->help };
	bool empty = o->dflt == NULL || o->dflt[0] == '\0';

	e.value = value != NULL ? value : option_allowed(o, allowed, sizeof(allowed));
	e.dflt = required ? NULL : empty ? "empty" : o->dflt;
	e.words = empty;
	if (empty && otherwise != NULL)
		e.dflt = otherwise;
	else if (empty && o->type == RAGD_OPT_LIST)
		e.dflt = "none";
	if (o->type == RAGD_OPT_LIST && !empty)
		e.words = true; /* "a, b" without braces is no value */
	if (md)
		put_md(b, &e);
	else
		put_man(b, &e);
}

static int put_plugin(struct buf *b, bool md, const char *module)
{
	static const char *dirs[64];
	const struct ragd_plugin *d;
	const char *path;
	struct ragd_err err;
	char *save = NULL,
	     *env = strdup(getenv("RAGD_PLUGIN_PATH") ? getenv("RAGD_PLUGIN_PATH") : "");
	size_t n = 0;

	for (char *w = strtok_r(env, ":", &save); w != NULL && n < 63;
	     w = strtok_r(NULL, ":", &save))
		dirs[n++] = w;
	dirs[n] = NULL;
	if (module_load(dirs, module, 0, &d, &path, &err) < 0) {
		fprintf(stderr, "optiondoc: %s\n", err.msg);
		free(env);
		return -1;
	}
	for (const struct ragd_option *o = d->options; o != NULL && o->name != NULL; o++)
		put_row(b, md, o, NULL, NULL, false);
	free(env);
	return 0;
}

static const char *value_of(enum config_as as)
{
	switch (as) {
	case CONFIG_AS_MODE:
		return "a mode, octal";
	case CONFIG_AS_USER:
		return "a user";
	case CONFIG_AS_GROUP:
		return "a group";
	default:
		return NULL;
	}
}

static int put_section(struct buf *b, bool md, const char *name)
{
	for (int k = 0; k < CONFIG_N_SECTIONS; k++) {
		if (strcmp(config_section_name((enum config_section)k), name) != 0)
			continue;
		for (const struct config_row *r = config_rows((enum config_section)k);
		     r->option.name != NULL; r++)
			put_row(b, md, &r->option, value_of(r->as), r->fallback,
				r->option.dflt == NULL);
		return 0;
	}
	fprintf(stderr, "optiondoc: nothing is called '%s'\n", name);
	return -1;
}

/* The built-in configuration, shown as it is. */
static void put_defaults(struct buf *b, bool md)
{
	buf_adds(b, md ? "```\n" : ".EX\n");
	for (const char *p = config_defaults(); *p != '\0'; p++) {
		if (!md && *p == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
	buf_adds(b, md ? "```\n" : ".EE\n");
}

static int put_block(struct buf *b, bool md, const char *what)
{
	if (strcmp(what, "defaults") == 0) {
		put_defaults(b, md);
		return 0;
	}
	if (md)
		buf_adds(b, "| option | value | default | |\n| --- | --- | --- | --- |\n");
	if (strncmp(what, "plugin ", 7) == 0)
		return put_plugin(b, md, what + 7);
	return put_section(b, md, what);
}

static char *file_slurp(const char *path)
{
	struct buf b = BUF_INIT;
	char piece[4096];
	size_t n;
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return NULL;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	fclose(f);
	return buf_steal(&b, &n);
}

/* The text with its blocks written again. */
static int text_renew(const char *text, bool md, struct buf *out)
{
	bool within = false;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n") + 1;
		const char *begin = memmem(text, len, "BEGIN options ", 14);
		char what[64];

		if (!within || memmem(text, len, "END options", 11) != NULL)
			buf_add(out, text, len);
		if (begin != NULL && sscanf(begin, "BEGIN options %63[a-z_ ]", what) == 1) {
			what[strcspn(what, "\n")] = '\0';
			while (what[0] != '\0' && what[strlen(what) - 1] == ' ')
				what[strlen(what) - 1] = '\0';
			if (put_block(out, md, what) < 0)
				return -1;
			within = true;
		} else if (memmem(text, len, "END options", 11) != NULL) {
			within = false;
		}
		text += len;
	}
	return within || buf_failed(out) ? -1 : 0;
}

static int one_file(const char *path, bool write)
{
	size_t len = strlen(path);
	bool md = len > 3 && strcmp(path + len - 3, ".md") == 0;
	char *text = file_slurp(path);
	struct buf out = BUF_INIT;
	int rc = -1;
	FILE *f;

	if (text == NULL || text_renew(text, md, &out) < 0) {
		fprintf(stderr, "optiondoc: %s cannot be read or has a block without an end\n",
			path);
	} else if (strcmp(text, out.data) == 0) {
		rc = 0;
	} else if (write) {
		f = fopen(path, "w");
		if (f != NULL && fwrite(out.data, 1, out.len, f) == out.len && fclose(f) == 0)
			rc = 0;
	} else {
		fprintf(stderr,
			"optiondoc: %s is not what the options' rows say: make update-docs\n",
			path);
	}
	free(text);
	buf_fini(&out);
	return rc;
}

int main(int argc, char **argv)
{
	bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
	int rc = 0;

	for (int i = 1 + write; i < argc; i++)
		rc |= one_file(argv[i], write);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
