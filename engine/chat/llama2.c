/* Llama 2: [INST] … [/INST], the system's text within the first question. */
#include "engine/chat/forms.h"

int chat_llama2_render(const void *form, struct chat_out *o, const struct ragd_message *m, size_t n)
{
	const struct ragd_message *system;
	int rc = chat_system_apart(o, &m, &n, CHAT_ALTERNATE, &system);

	(void)form;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		bool user = m[i].role == RAGD_ROLE_USER;
		size_t first;

		chat_own(o, user ? BOS "[INST] " : " ");
		/* Trimmed as one text: a blank question takes the lines after <</SYS>> with it. */
		first = o->n;
		if (i == 0 && system != NULL) {
			chat_own(o, "<<SYS>>\n");
			chat_text(o, system->text);
			chat_own(o, "\n<</SYS>>\n\n");
		}
		chat_text(o, m[i].text);
		chat_trim_from(o, first);
		chat_own(o, user ? " [/INST]" : " " EOS);
	}
	return rc;
}
