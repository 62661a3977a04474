/*
 * Gemma: turns of "user" and "model"; Gemma 3 puts the system's text in front of the first
 * question.
 */
#include "engine/chat/forms.h"

#define TURN(role) "<start_of_turn>" role "\n"
#define END        "<end_of_turn>\n"

const struct chat_turns chat_gemma = {
	.begin = BOS,
	.role = {
		[RAGD_ROLE_USER] = { TURN("user"), END, true },
		[RAGD_ROLE_ASSISTANT] = { TURN("model"), END, true },
	},
	.prompt = TURN("model"),
	.system_complaint = "System role not supported",
	.flags = TURNS_FIRST | TURNS_ALTERNATE,
};

int chat_gemma3_render(const void *form, struct chat_out *o, const struct ragd_message *m, size_t n)
{
	const struct ragd_message *system;
	int rc = chat_system_apart(o, &m, &n, CHAT_ALTERNATE, &system);

	(void)form;
	if (rc < 0)
		return rc;
	chat_own(o, BOS);
	for (size_t i = 0; i < n; i++) {
		chat_own(o, m[i].role == RAGD_ROLE_USER ? TURN("user") : TURN("model"));
		if (i == 0 && system != NULL) {
			chat_text(o, system->text);
			chat_own(o, "\n\n");
		}
		chat_text(o, chat_trimmed(m[i].text));
		chat_own(o, END);
	}
	if (o->ctx->generation_prompt)
		chat_own(o, TURN("model"));
	return 0;
}
