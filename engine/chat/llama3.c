/*
 * Llama 3 and its point releases: headers by role, texts trimmed; from 3.1 on a system's turn that
 * names days.
 */
#include "engine/chat/forms.h"

#define HEAD(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"
#define ROLES                                                                                      \
	{                                                                                          \
		[RAGD_ROLE_SYSTEM] = { HEAD("system"), "<|eot_id|>", true },                       \
		[RAGD_ROLE_USER] = { HEAD("user"), "<|eot_id|>", true },                           \
		[RAGD_ROLE_ASSISTANT] = { HEAD("assistant"), "<|eot_id|>", true },                 \
	}

const struct chat_turns chat_llama3 = {
	.role = ROLES,
	.prompt = HEAD("assistant"),
	.flags = TURNS_BOS,
};

/* The first of its templates asks for an answer always. */
const struct chat_turns chat_llama3_first = {
	.role = ROLES,
	.prompt = HEAD("assistant"),
	.flags = TURNS_BOS | TURNS_ALWAYS,
};

const struct chat_llama31 chat_llama31 = { .asks_date = false };
const struct chat_llama31 chat_llama32 = { .asks_date = true };

/* What all of their templates name where nobody tells them the day. */
#define DATE "26 Jul 2024"

int chat_llama31_render(const void *form, struct chat_out *o, const struct ragd_message *m,
			size_t n)
{
	static const struct chat_turns turns = { .role = ROLES, .prompt = HEAD("assistant") };
	const struct chat_llama31 *l = form;
	int rc = chat_not_empty(o, n);

	if (rc < 0)
		return rc;
	chat_own(o, BOS HEAD("system") "Cutting Knowledge Date: December 2023\nToday Date: ");
	chat_own(o, l->asks_date && o->ctx->date != NULL ? o->ctx->date : DATE);
	chat_own(o, "\n\n");
	if (m[0].role == RAGD_ROLE_SYSTEM) {
		chat_text(o, chat_trimmed(m[0].text));
		m++;
		n--;
	}
	chat_own(o, "<|eot_id|>");
	return chat_turns(&turns, o, m, n);
}
