/*
 * Families that mark turns by words of plain text, or by marks of their own: Vicuna, Alpaca,
 * DeepSeek's first …
 */
#include "engine/chat/forms.h"

/* </s> stands in these templates as text. */
const struct chat_turns chat_vicuna = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "", "\n\n", false },
		[RAGD_ROLE_USER] = { "USER: ", "\n", false },
		[RAGD_ROLE_ASSISTANT] = { "ASSISTANT: ", "</s>\n", false },
	},
	.prompt = "ASSISTANT:",
};

const struct chat_turns chat_orca_vicuna = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "SYSTEM: ", "\n", false },
		[RAGD_ROLE_USER] = { "USER: ", "\n", false },
		[RAGD_ROLE_ASSISTANT] = { "ASSISTANT: ", "</s>\n", false },
	},
	.prompt = "ASSISTANT:",
};

const struct chat_turns chat_alpaca = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "", "\n\n", false },
		[RAGD_ROLE_USER] = { "### Instruction:\n", "\n\n", false },
		[RAGD_ROLE_ASSISTANT] = { "### Response:\n", "\n\n", false },
	},
	.prompt = "### Response:\n",
};

const struct chat_turns chat_deepseek_coder = {
	.begin = BOS,
	.no_system = "You are an AI programming assistant, utilizing the Deepseek Coder model, "
		     "developed by Deepseek Company, and you only answer questions related to "
		     "computer science. For politically sensitive questions, security and "
		     "privacy issues, and other non-computer science questions, you will refuse "
		     "to answer\n",
	.role = {
		[RAGD_ROLE_SYSTEM] = { "", "", false },
		[RAGD_ROLE_USER] = { "### Instruction:\n", "\n", false },
		[RAGD_ROLE_ASSISTANT] = { "### Response:\n", "\n<|EOT|>\n", false },
	},
	.prompt = "### Response:\n",
};

const struct chat_turns chat_deepseek_2 = {
	.begin = BOS,
	.role = {
		[RAGD_ROLE_SYSTEM] = { "", "\n\n", false },
		[RAGD_ROLE_USER] = { "User: ", "\n\n", false },
		[RAGD_ROLE_ASSISTANT] = { "Assistant: ", EOS, false },
	},
	.prompt = "Assistant:",
};

#define CODER                                                                                      \
	"You are an exceptionally intelligent coding assistant that consistently delivers "        \
	"accurate "                                                                                \
	"and reliable responses to user instructions.\n\n"
#define CODER_COMPLAINT "System messages are not allowed in this template."

const struct chat_turns chat_starcoder2 = {
	.begin = BOS CODER,
	.role = {
		[RAGD_ROLE_USER] = { "### Instruction\n", "\n\n", false },
		[RAGD_ROLE_ASSISTANT] = { "### Response\n", EOS "\n\n", false },
	},
	.prompt = "### Response\n",
	.system_complaint = CODER_COMPLAINT,
	.flags = TURNS_ALWAYS,
};

const struct chat_turns chat_magicoder = {
	.begin = BOS CODER,
	.role = {
		[RAGD_ROLE_USER] = { "@@ Instruction\n", "\n\n", false },
		[RAGD_ROLE_ASSISTANT] = { "@@ Response\n", EOS "\n\n", false },
	},
	.prompt = "@@ Response\n",
	.system_complaint = CODER_COMPLAINT,
	.flags = TURNS_ALWAYS,
};

const struct chat_turns chat_solar = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "### System:\n", "\n\n", false },
		[RAGD_ROLE_USER] = { "### User:\n", "\n\n", false },
		[RAGD_ROLE_ASSISTANT] = { "### Assistant:\n", "", false },
	},
	.prompt = "### Assistant:\n",
	.flags = TURNS_LAST | TURNS_HIDE,
};

const struct chat_turns chat_openchat = {
	.begin = BOS,
	.role = {
		[RAGD_ROLE_SYSTEM] = { "GPT4 Correct System: ", "<|end_of_turn|>", false },
		[RAGD_ROLE_USER] = { "GPT4 Correct User: ", "<|end_of_turn|>", false },
		[RAGD_ROLE_ASSISTANT] = { "GPT4 Correct Assistant: ", "<|end_of_turn|>", false },
	},
	.prompt = "GPT4 Correct Assistant:",
};

const struct chat_turns chat_granite_code = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "System:\n", "\n\n", false },
		[RAGD_ROLE_USER] = { "Question:\n", "\n\n", false },
		[RAGD_ROLE_ASSISTANT] = { "Answer:\n", "\n\n", false },
	},
	.prompt = "Answer:\n",
	.flags = TURNS_LAST,
};

const struct chat_turns chat_granite_3 = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "<|start_of_role|>system<|end_of_role|>",
				       "<|end_of_text|>\n", false },
		[RAGD_ROLE_USER] = { "<|start_of_role|>user<|end_of_role|>",
				     "<|end_of_text|>\n", false },
		[RAGD_ROLE_ASSISTANT] = { "<|start_of_role|>assistant<|end_of_role|>",
					  "<|end_of_text|>\n", false },
	},
	.prompt = "<|start_of_role|>assistant<|end_of_role|>",
	.flags = TURNS_LAST,
};

#define COMMAND_R(role) "<|START_OF_TURN_TOKEN|><|" role "_TOKEN|>"

const struct chat_turns chat_command_r = {
	.begin = BOS,
	.role = {
		[RAGD_ROLE_SYSTEM] = { COMMAND_R("SYSTEM"), "<|END_OF_TURN_TOKEN|>", false },
		[RAGD_ROLE_USER] = { COMMAND_R("USER"), "<|END_OF_TURN_TOKEN|>", true },
		[RAGD_ROLE_ASSISTANT] = { COMMAND_R("CHATBOT"), "<|END_OF_TURN_TOKEN|>", true },
	},
	.prompt = COMMAND_R("CHATBOT"),
	.flags = TURNS_FIRST | TURNS_ALTERNATE,
};

const struct chat_turns chat_minicpm = {
	.role = {
		[RAGD_ROLE_SYSTEM] = { "", "", true },
		[RAGD_ROLE_USER] = { "<用户>", "<AI>", true },
		[RAGD_ROLE_ASSISTANT] = { "", "", true },
	},
};
