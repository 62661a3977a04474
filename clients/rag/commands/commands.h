/* One row of the table each, in its cmd_*.c. */
#ifndef RAG_COMMANDS_H
#define RAG_COMMANDS_H

#include "clients/rag/rag.h"

extern const struct command ask_command;
extern const struct command chat_command;
extern const struct command add_command;
extern const struct command search_command;
extern const struct command list_command;
extern const struct command rm_command;
extern const struct command collection_command;
extern const struct command status_command;
extern const struct command feedback_command;
extern const struct command about_command;
extern const struct command moderate_command;
extern const struct command plugins_command;
extern const struct command reload_command;
extern const struct command doctor_command;

#endif
