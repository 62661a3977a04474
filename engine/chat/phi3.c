/* Families that mark turns by the role's name: Phi 3 and 4-mini, Zephyr (TinyLlama), StableLM. */
#include "engine/chat/forms.h"

/* clang-format off */
#define PHI3_ROLES {                                                    \
	[RAGD_ROLE_SYSTEM]    = { "<|system|>\n",    "<|end|>\n", false }, \
	[RAGD_ROLE_USER]      = { "<|user|>\n",      "<|end|>\n", false }, \
	[RAGD_ROLE_ASSISTANT] = { "<|assistant|>\n", "<|end|>\n", false }, \
}
/* clang-format on */
#define PHI3_PROMPT "<|assistant|>\n"

/* Phi 3.5 */
const struct chat_turns chat_phi3 = {
	.role = PHI3_ROLES,
	.prompt = PHI3_PROMPT,
	.closed = EOS,
	.flags = TURNS_HIDE,
};

const struct chat_turns chat_phi3_small = {
	.begin = BOS,
	.role = PHI3_ROLES,
	.prompt = PHI3_PROMPT,
	.closed = EOS,
};

const struct chat_turns chat_phi3_vision = {
	.role = PHI3_ROLES,
	.prompt = PHI3_PROMPT,
};

/* The first of its templates: no system message, and each question with the head of its answer. */
#define PHI3_FIRST_ROLES                                                                           \
	{                                                                                          \
		[RAGD_ROLE_USER] = { "<|user|>\n", "<|end|>\n" PHI3_PROMPT, false },               \
		[RAGD_ROLE_ASSISTANT] = { "", "<|end|>\n", false },                                \
	}

const struct chat_turns chat_phi3_first = { .begin = BOS, .role = PHI3_FIRST_ROLES };

const struct chat_turns chat_phi3_first_bare = { .role = PHI3_FIRST_ROLES };

const struct chat_turns chat_phi4_mini = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "<|system|>", "<|end|>", false },
		[RAGD_ROLE_USER] = { "<|user|>", "<|end|>", false },
		[RAGD_ROLE_ASSISTANT] = { "<|assistant|>", "<|end|>", false },
	},
	.prompt = "<|assistant|>",
	.closed = EOS,
};

const struct chat_turns chat_zephyr = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "<|system|>\n", EOS "\n", false },
		[RAGD_ROLE_USER] = { "<|user|>\n", EOS "\n", false },
		[RAGD_ROLE_ASSISTANT] = { "<|assistant|>\n", EOS "\n", false },
	},
	.prompt = "<|assistant|>\n",
	.flags = TURNS_LAST,
};

const struct chat_turns chat_stablelm = {
	.role = {
		[RAGD_ROLE_USER] = { "<|user|>\n", "\n", false },
		[RAGD_ROLE_ASSISTANT] = { "<|assistant|>\n", EOS "\n", false },
	},
	.prompt = "<|assistant|>\n",
	.flags = TURNS_LAST,
};
