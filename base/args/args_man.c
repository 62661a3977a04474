/* Command lines: rows to the lists of a manual page. */
#include <string.h>

#include "base/args/args_private.h"

static void roff_text(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'') /* at the start of a line it would be a request */
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

static void roff_row(FILE *f, const struct args_opt *o)
{
	fputs(".TP\n", f);
	if (o->letter != 0)
		fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", f);
	roff_text(f, o->name);
	fputs("\\fR", f);
	if (o->arg != NULL)
		fprintf(f, " \\fI%s\\fR", o->arg);
	fputc('\n', f);
	roff_text(f, o->help);
	fputc('\n', f);
	if (o->more == NULL)
		return;
	fputs(".br\n", f);
	roff_text(f, o->more);
	fputc('\n', f);
}

static void roff_rows(FILE *f, const struct args_opt *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		roff_row(f, rows);
}

void args_man_commands(const struct args_program *p, FILE *f)
{
	for (size_t i = 0; p->commands != NULL && p->commands[i] != NULL; i++) {
		const struct args_command *c = p->commands[i];

		fputs(".TP\n\\fB", f);
		if (p->command_pages)
			fprintf(f, "%s ", p->name);
		fprintf(f, "%s\\fR%s", c->name, c->usage[0] != '\0' ? " " : "");
		roff_text(f, c->usage);
		fputc('\n', f);
		roff_text(f, c->summary);
		if (!p->command_pages) {
			fputc('\n', f);
			continue;
		}
		fputs("; see\n.BR ", f);
		roff_text(f, p->name);
		fputs("\\-", f);
		roff_text(f, c->name);
		fputs(" (1)\n", f);
	}
}

bool args_man_options(const struct args_program *p, const char *what, FILE *f)
{
	const struct args_command *c = args_command_find(p, what);

	if (c != NULL) {
		roff_rows(f, c->opts);
	} else if (strcmp(what, "common") == 0) {
		roff_rows(f, p->common);
		roff_rows(f, args_standard);
	} else if (strcmp(what, "shared") == 0) {
		roff_rows(f, p->shared);
	} else {
		return false;
	}
	return true;
}
