/*
 * Chat templates: a conversation as the text that a model was trained on. The template in the file
 * (tokenizer.chat_template, Jinja) is not executed: it is recognised, and rendered by a native
 * function of its family, checked against what Jinja gives. So a file's template can do nothing,
 * and what people wrote is told apart from what the template wrote, piece by piece.
 */
#ifndef ENGINE_CHAT_CHAT_H
#define ENGINE_CHAT_CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/err.h>
#include <ragd/plugin.h>

#include "base/arena.h"
#include "engine/token/vocab.h"

struct chat_family; /* one row of a const table: name, how it is recognised, how it renders */

/*
 * The family of a template's text, or NULL for one that is not known. An empty template gives NULL:
 * the caller chooses by name or refuses. Time is linear in the text.
 */
const struct chat_family *chat_recognise(struct ragd_str jinja);
/* By name: "llama3.1", "chatml" …; NULL if there is none. */
const struct chat_family *chat_family(const char *name);
/* The i-th family's name, NULL at the end: for messages and manuals. */
const char *chat_family_name(const struct chat_family *f);
const char *chat_family_list(size_t i);

/* What a template may ask for besides the messages. */
struct chat_context {
	struct ragd_str bos; /* text of the BOS token: "<|begin_of_text|>" */
	struct ragd_str eos;
	bool generation_prompt; /* end with the head of the assistant's turn */
	/*
	 * Today, as "02 Jan 2025". Only families whose own template asks for the day look at it
	 * (Llama 3.2); those that name a fixed one (3.1, 3.3: 26 Jul 2024) keep theirs, as do all
	 * where it is NULL.
	 */
	const char *date;
	bool bos_is_added; /* leave it out in front: the tokenizer puts it there (VOCAB_ENDS) */
	/*
	 * Where a family takes no system message (Gemma, the first Mistral), put it in front of the
	 * first user message, a blank line between, rather than refuse.
	 */
	bool merge_system;
	/* Answer without thinking aloud first, for families that may do either (Qwen 3). */
	bool no_think;
	size_t n_configured; /* bytes in front of messages[0].text that are the administrator's */
};

/*
 * Render messages into pieces from the arena, in order; joined they are the prompt. Texts of
 * messages are borrowed, trimmed where the family trims; no piece is empty; what is the
 * administrator's in the first message is marked in its pieces. -EINVAL with the template's own
 * complaint where it refuses (roles that do not alternate, a system message it does not take), and
 * where it would leave out a message without a word; -ENOMEM.
 */
int chat_render(const struct chat_family *f, const struct chat_context *ctx,
		const struct ragd_message *messages, size_t n, struct arena *arena,
		const struct vocab_piece **pieces, size_t *n_pieces, struct ragd_err *err);

#endif
