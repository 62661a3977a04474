/* One row of the table each, in its cmd_*.c. */
#ifndef RAG_COMMANDS_H
#define RAG_COMMANDS_H

#include "clients/rag/rag.h"

extern const struct rag_command ask_command;
extern const struct rag_command chat_command;
extern const struct rag_command add_command;
extern const struct rag_command search_command;
extern const struct rag_command list_command;
extern const struct rag_command rm_command;
extern const struct rag_command collection_command;
extern const struct rag_command reindex_command;
extern const struct rag_command status_command;
extern const struct rag_command feedback_command;
extern const struct rag_command about_command;
extern const struct rag_command moderate_command;
extern const struct rag_command plugins_command;
extern const struct rag_command reload_command;
extern const struct rag_command doctor_command;

/* All of them. */
extern const struct args_program rag_program;

#endif
