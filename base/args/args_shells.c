/*
 * Command lines: the completion files of the shells, and what else a program is asked for by other
 * programs. A file only passes on what is typed and shows what comes back: the rows are asked each
 * time, so that it need not be made again when they change. %N is the program's name, %F the same
 * as shells allow it in the name of a function.
 */
#include <ctype.h>
#include <string.h>

#include "base/args/args_private.h"

/* clang-format off */
static const struct {
	const char *shell, *text;
} scripts[] = {
	{ "bash",
	  "# Completion of %N for bash: `%N --completion bash` wrote it.\n"
	  "_%F()\n"
	  "{\n"
	  "\tlocal words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\") line\n"
	  "\tCOMPREPLY=()\n"
	  "\twhile IFS= read -r line; do\n"
	  "\t\tif [ \"$line\" = :files ]; then\n"
	  "\t\t\tcompopt -o default 2>/dev/null # as bash completes by itself\n"
	  "\t\telse\n"
	  "\t\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	  "\t\tfi\n"
	  "\tdone < <(\"${COMP_WORDS[0]}\" --complete \"${words[@]}\" 2>/dev/null)\n"
	  "}\n"
	  "complete -F _%F %N\n" },
	{ "zsh",
	  "#compdef %N\n"
	  "# Completion of %N for zsh: `%N --completion zsh` wrote it.\n"
	  "_%N()\n"
	  "{\n"
	  "\tlocal line files=\n"
	  "\tlocal -a offers\n"
	  "\twhile IFS= read -r line; do\n"
	  "\t\tif [[ $line == :files ]]; then\n"
	  "\t\t\tfiles=1\n"
	  "\t\telse\n"
	  "\t\t\toffers+=(\"${${line//:/\\\\:}/$'\\t'/:}\")\n"
	  "\t\tfi\n"
	  "\tdone < <(\"$words[1]\" --complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	  "\tif [[ -n $files ]]; then\n"
	  "\t\tcompset -P '--*='\n"
	  "\t\t_files\n"
	  "\telse\n"
	  "\t\t_describe %N offers\n"
	  "\tfi\n"
	  "}\n"
	  "if [[ $funcstack[1] == _%N ]]; then\n"
	  "\t_%N \"$@\"\n"
	  "else\n"
	  "\tcompdef _%N %N\n"
	  "fi\n" },
	{ "fish",
	  "# Completion of %N for fish: `%N --completion fish` wrote it.\n"
	  "function __%F_complete\n"
	  "\tset -l words (commandline -opc)\n"
	  "\tset -l typed (commandline -ct)\n"
	  "\tfor line in ($words[1] --complete $words[2..] \"$typed\" 2>/dev/null)\n"
	  "\t\tif test \"$line\" = :files\n"
	  "\t\t\t__fish_complete_path \"$typed\"\n"
	  "\t\telse\n"
	  "\t\t\techo $line\n"
	  "\t\tend\n"
	  "\tend\n"
	  "end\n"
	  "complete -c %N -f -a '(__%F_complete)'\n" },
};
/* clang-format on */

static void script_write(FILE *f, const char *text, const char *name)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 'N') {
			fputs(name, f);
			p++;
		} else if (p[0] == '%' && p[1] == 'F') {
			for (const char *n = name; *n != '\0'; n++)
				fputc(isalnum((unsigned char)*n) ? *n : '_', f);
			p++;
		} else {
			fputc(*p, f);
		}
	}
}

static bool script_find(const struct args_program *p, const char *shell, FILE *f)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(scripts[i].shell, shell) != 0)
			continue;
		script_write(f, scripts[i].text, p->name);
		return true;
	}
	return false;
}

bool args_hidden(const struct args_program *p, int argc, char **argv, void *values, FILE *f,
		 bool *ok)
{
	const char *what = argc > 1 ? argv[1] : "";

	*ok = true;
	if (strcmp(what, "--complete") == 0)
		args_complete(p, argv + 2, argc - 2, values, f);
	else if (strcmp(what, "--completion") == 0)
		*ok = argc == 3 && script_find(p, argv[2], f);
	else if (strcmp(what, "--man-commands") == 0)
		args_man_commands(p, f);
	else if (strcmp(what, "--man-options") == 0)
		*ok = argc == 3 && args_man_options(p, argv[2], f);
	else
		return false;
	return true;
}
