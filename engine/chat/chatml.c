/*
 * ChatML and what grew from it: <|im_start|>role … <|im_end|>, with or without a system's turn of
 * its own.
 */
#include "engine/chat/forms.h"

/* clang-format off */
#define CHATML_ROLES {                                                             \
	[RAGD_ROLE_SYSTEM]    = { "<|im_start|>system\n",    "<|im_end|>\n", false }, \
	[RAGD_ROLE_USER]      = { "<|im_start|>user\n",      "<|im_end|>\n", false }, \
	[RAGD_ROLE_ASSISTANT] = { "<|im_start|>assistant\n", "<|im_end|>\n", false }, \
}
#define CHATML_PROMPT "<|im_start|>assistant\n"
#define CHATML_SYSTEM(text) "<|im_start|>system\n" text "<|im_end|>\n"
/* clang-format on */

const struct chat_turns chat_chatml = { .role = CHATML_ROLES, .prompt = CHATML_PROMPT };

const struct chat_turns chat_chatml_bos = { .begin = BOS,
					    .role = CHATML_ROLES,
					    .prompt = CHATML_PROMPT };

const struct chat_turns chat_chatml_ends = { .role = CHATML_ROLES,
					     .prompt = CHATML_PROMPT,
					     .closed_answer = EOS,
					     .flags = TURNS_FIRST | TURNS_BOS };

/* The system's text bare, and each question with the head of its answer. */
const struct chat_turns chat_chatml_bare = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "", "", false },
		[RAGD_ROLE_USER] = { "<|im_start|>user\n", "<|im_end|>\n" CHATML_PROMPT, false },
		[RAGD_ROLE_ASSISTANT] = { "", "<|im_end|>\n", false },
	},
	.flags = TURNS_FIRST,
};

const struct chat_turns chat_qwen15 = { .no_system = CHATML_SYSTEM("You are a helpful assistant"),
					.role = CHATML_ROLES,
					.prompt = CHATML_PROMPT };

const struct chat_turns chat_qwen2 = { .no_system = CHATML_SYSTEM("You are a helpful assistant."),
				       .role = CHATML_ROLES,
				       .prompt = CHATML_PROMPT };

const struct chat_turns chat_qwen25 = {
	.no_system = CHATML_SYSTEM(
		"You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
	.role = CHATML_ROLES,
	.prompt = CHATML_PROMPT,
	.flags = TURNS_FIRST,
};

const struct chat_turns chat_smollm2 = {
	.no_system = CHATML_SYSTEM(
		"You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
	.role = CHATML_ROLES,
	.prompt = CHATML_PROMPT,
};

#define PHI4_PROMPT "<|im_start|>assistant<|im_sep|>"

const struct chat_turns chat_phi4 = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "<|im_start|>system<|im_sep|>", "<|im_end|>", false },
		[RAGD_ROLE_USER] = { "<|im_start|>user<|im_sep|>", "<|im_end|>", false },
		[RAGD_ROLE_ASSISTANT] = { PHI4_PROMPT, "<|im_end|>", false },
	},
	.prompt = PHI4_PROMPT,
};

/* The first of its templates: each question with the head of its answer. */
const struct chat_turns chat_phi4_first = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "<|im_start|>system<|im_sep|>", "<|im_end|>", false },
		[RAGD_ROLE_USER] = { "<|im_start|>user<|im_sep|>", "<|im_end|>" PHI4_PROMPT,
				     false },
		[RAGD_ROLE_ASSISTANT] = { "", "<|im_end|>", false },
	},
};

const struct chat_turns chat_megrez = {
	.no_system = "<|role_start|>system<|role_end|>"
		     "你是Megrez-3B-Instruct，将针对用户的问题给出详细的、积极的回答。<|turn_end|>",
	.role = {
		[RAGD_ROLE_SYSTEM] = { "<|role_start|>system<|role_end|>", "<|turn_end|>", false },
		[RAGD_ROLE_USER] = { "<|role_start|>user<|role_end|>", "<|turn_end|>", false },
		[RAGD_ROLE_ASSISTANT] = { "<|role_start|>assistant<|role_end|>", "<|turn_end|>",
					  false },
	},
	.prompt = "<|role_start|>assistant<|role_end|>",
};
