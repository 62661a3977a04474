/* Command lines: rows to help. */
#include <string.h>

#include "base/args/args_private.h"

#define HELP_COLUMN   28
#define HELP_ROOM_MIN 20

static void help_row(FILE *f, const struct args_opt *o, unsigned width)
{
	size_t room = width > HELP_COLUMN + HELP_ROOM_MIN ? width - HELP_COLUMN : HELP_ROOM_MIN;
	const char *rest = o->help;
	int col;

	col = o->letter != 0 ? fprintf(f, "  -%c, --%s", o->letter, o->name)
			     : fprintf(f, "      --%s", o->name);
	if (o->arg != NULL)
		col += fprintf(f, " %s", o->arg);
	while (*rest != '\0') {
		size_t cut = strlen(rest);

		if (cut > room) {
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

static void help_rows(FILE *f, const struct args_opt *rows, unsigned width)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		help_row(f, rows, width);
}

static void help_command(const struct args_program *p, const struct args_command *c, FILE *f,
			 unsigned width)
{
	bool own = c->opts != NULL || (c->shared && p->shared != NULL);

	fprintf(f, "%s %s: %s\n\nusage: %s %s [OPTION]...%s%s\n", p->name, c->name, c->summary,
		p->name, c->name, c->usage[0] != '\0' ? " " : "", c->usage);
	if (own)
		fputs("\nOptions:\n", f);
	help_rows(f, c->opts, width);
	if (c->shared)
		help_rows(f, p->shared, width);
	fputs("\nOptions of every command:\n", f);
	help_rows(f, p->common, width);
	help_rows(f, args_standard, width);
}

void args_help(const struct args_program *p, const struct args_command *c, FILE *f, unsigned width)
{
	if (c != NULL) {
		help_command(p, c, f, width);
		return;
	}
	fprintf(f, "%s\n\nusage: %s %s\n", p->about, p->name, p->usage);
	if (p->commands != NULL)
		fputc('\n', f);
	for (size_t i = 0; p->commands != NULL && p->commands[i] != NULL; i++)
		fprintf(f, "  %-12s%s\n", p->commands[i]->name, p->commands[i]->summary);
	fputs(p->commands != NULL ? "\nOptions of every command:\n" : "\nOptions:\n", f);
	help_rows(f, p->common, width);
	help_rows(f, args_standard, width);
	if (p->shared != NULL)
		fprintf(f, "\n%s:\n", p->shared_heading);
	help_rows(f, p->shared, width);
	fprintf(f, "\n%s\n", p->closing);
}
