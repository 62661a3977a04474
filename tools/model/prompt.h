/* Text as a model wants to be asked: with BOS in front where it wants one, without an end. */
#ifndef MODEL_PROMPT_H
#define MODEL_PROMPT_H

#include "tools/model/load.h"

/* `special`: control tokens that the text names become those tokens. */
int prompt_text(const struct loaded *l, struct ragd_str text, bool special, struct tokens *out,
		struct ragd_err *err);
/*
 * A question, with a system message unless that is NULL, as the chat template of the file puts it.
 * -ENOTSUP where there is none, or none that is known.
 */
int prompt_chat(const struct loaded *l, const char *system, struct ragd_str question,
		struct tokens *out, struct ragd_err *err);

#endif
