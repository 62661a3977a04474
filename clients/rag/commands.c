/* The table of commands. */
#include "commands.h"

#include <string.h>

const struct command *const commands[] = {
	&ask_command,      &chat_command,       &add_command,    &search_command,   &list_command,
	&rm_command,       &collection_command, &status_command, &feedback_command, &about_command,
	&moderate_command, &plugins_command,    &reload_command, &doctor_command,   NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}
