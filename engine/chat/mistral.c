/* Mistral's templates: [INST] … [/INST] with blanks that changed from version to version. */
#include "engine/chat/forms.h"

#define ALTERNATE                                                                                  \
	"After the optional system message, conversation roles must alternate "                    \
	"user/assistant/user/assistant/..."

const struct chat_mistral chat_mistral_v1 = { " [INST] ", " [/INST]", " ", false, false };
const struct chat_mistral chat_mistral_v3 = { "[INST] ", "[/INST]", " ", true, true };
const struct chat_mistral chat_mistral_nemo = { "[INST]", "[/INST]", "", false, true };

/*
 * The system's text within the first question, or from v3 on within the last message if that is
 * one.
 */
int chat_mistral_render(const void *form, struct chat_out *o, const struct ragd_message *m,
			size_t n)
{
	const struct chat_mistral *f = form;
	const struct ragd_message *system;
	size_t at;
	int rc = chat_system_apart(o, &m, &n, ALTERNATE, &system);

	if (rc < 0)
		return rc;
	if (f->system_last && system != NULL && n % 2 == 0 && n > 0)
		return ragd_err_set(
			o->err, -EINVAL,
			"the template has a place for a system message in a question that "
			"comes last, and an answer does");
	chat_own(o, BOS);
	at = f->system_last && n > 0 ? n - 1 : 0;
	for (size_t i = 0; i < n; i++) {
		if (m[i].role == RAGD_ROLE_USER) {
			chat_own(o, f->open);
			if (i == at && system != NULL) {
				chat_text(o, system->text);
				chat_own(o, "\n\n");
			}
			chat_text(o, m[i].text);
			chat_own(o, f->close);
		} else {
			chat_own(o, f->answer);
			chat_text(o, f->trim_answer ? chat_trimmed(m[i].text) : m[i].text);
			chat_own(o, EOS);
		}
	}
	return 0;
}

#define OLD_ROLES(eos)                                                                             \
	{                                                                                          \
		[RAGD_ROLE_USER] = { "[INST] ", " [/INST]", false },                               \
		[RAGD_ROLE_ASSISTANT] = { "", eos, false },                                        \
	}

/* Before v1; a message of the system's is out of turn in these. */
const struct chat_turns chat_mistral_old = {
	.begin = BOS,
	.role = OLD_ROLES(EOS),
	.system_complaint = CHAT_ALTERNATE,
	.flags = TURNS_ALTERNATE,
};
const struct chat_turns chat_mistral_oldest = {
	.begin = BOS,
	.role = OLD_ROLES(EOS " "),
	.system_complaint = CHAT_ALTERNATE,
	.flags = TURNS_ALTERNATE,
};

/* From v7 on the system has marks of its own. */
const struct chat_turns chat_mistral_v7 = {
	.begin = BOS,
	.role = {
		[RAGD_ROLE_SYSTEM] = { "[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]", false },
		[RAGD_ROLE_USER] = { "[INST] ", "[/INST]", false },
		[RAGD_ROLE_ASSISTANT] = { " ", EOS, false },
	},
};
/* The long system's turn that the template has where there is none is left out. */
const struct chat_turns chat_mistral_v7_tekken = {
	.begin = BOS,
	.role = {
		[RAGD_ROLE_SYSTEM] = { "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", false },
		[RAGD_ROLE_USER] = { "[INST]", "[/INST]", false },
		[RAGD_ROLE_ASSISTANT] = { "", EOS, false },
	},
};
