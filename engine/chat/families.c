/*
 * The table of families. A row is found by marks of the template's text, so rows with more marks
 * stand before those with fewer: the first that fits is taken.
 */
#include "base/util.h"
#include "engine/chat/forms.h"

/* clang-format off */
#define TURNS(form) chat_turns, &form, false
#define USERS(form) chat_turns, &form, true /* no place for a system message */

const struct chat_family chat_families[] = {
	/* models that think aloud */
	{ "deepseek-r1", { "<｜Assistant｜><think>" }, { 0 },
	  chat_deepseek_render, &chat_deepseek_r1, false },
	{ "deepseek-r1-first", { "<｜Assistant｜>", "</think>" }, { 0 },
	  chat_deepseek_render, &chat_deepseek_r1_first, false },
	{ "deepseek-v3", { "<｜Assistant｜>" }, { 0 },
	  chat_deepseek_render, &chat_deepseek_3, false },
	{ "qwen3-thinking", { "<|im_start|>", "</think>", "'<|im_start|>assistant\n<think>\n'" },
	  { 0 }, chat_qwen3_render, &chat_qwen3_thinking, false },
	{ "qwen3-plain", { "<|im_start|>", "last_query_index", "assistant\n<think>\n\n</think>" },
	  { 0 }, chat_qwen3_render, &chat_qwen3_plain, false },
	{ "qwen3", { "<|im_start|>", "last_query_index" }, { 0 },
	  chat_qwen3_render, &chat_qwen3, false },

	/* Llama 3; a guard's template renders a task, no conversation */
	{ "llama3.2", { "<|start_header_id|>", "Cutting Knowledge Date", "strftime_now" },
	  { "unsafe content" }, chat_llama31_render, &chat_llama32, false },
	{ "llama3.1", { "<|start_header_id|>", "Cutting Knowledge Date" }, { "unsafe content" },
	  chat_llama31_render, &chat_llama31, false },
	/* the same text as 3.1: this row is for the name */
	{ "llama3.3", { 0 }, { 0 }, chat_llama31_render, &chat_llama31, false },
	{ "llama3-first", { "<|start_header_id|>", "<|eot_id|>" },
	  { "add_generation_prompt", "unsafe content" }, TURNS(chat_llama3_first) },
	{ "llama3", { "<|start_header_id|>", "<|eot_id|>" }, { "unsafe content" },
	  TURNS(chat_llama3) },

	/* Gemma */
	{ "gemma3", { "<start_of_turn>", "first_user_prefix" }, { 0 },
	  chat_gemma3_render, NULL, false },
	{ "gemma", { "<start_of_turn>" }, { 0 }, USERS(chat_gemma) },

	/* Llama 2 and Mistral */
	{ "llama2", { "bos_token + '[INST] '", "'<<SYS>>" }, { "range(" },
	  chat_llama2_render, NULL, false },
	{ "mistral-v7", { "'[SYSTEM_PROMPT] '" }, { 0 }, TURNS(chat_mistral_v7) },
	{ "mistral-v7-tekken", { "'[SYSTEM_PROMPT]'", "'[INST]'" }, { 0 },
	  TURNS(chat_mistral_v7_tekken) },
	{ "mistral-nemo", { "'[INST]'", "'[/INST]'" }, { 0 },
	  chat_mistral_render, &chat_mistral_nemo, false },
	{ "mistral-v3", { "'[INST] '", "'[/INST]'" }, { 0 },
	  chat_mistral_render, &chat_mistral_v3, false },
	{ "mistral-v1", { "' [INST] '", "' [/INST]'" }, { 0 },
	  chat_mistral_render, &chat_mistral_v1, false },
	{ "mistral-oldest", { "'[INST] '", "' [/INST]'", "eos_token + ' '" }, { "<<SYS>>" },
	  USERS(chat_mistral_oldest) },
	{ "mistral", { "'[INST] '", "' [/INST]'" }, { "<<SYS>>" }, USERS(chat_mistral_old) },

	/* Phi, Zephyr */
	{ "phi4-first", { "<|im_sep|>" }, { "add_generation_prompt" }, TURNS(chat_phi4_first) },
	{ "phi4", { "<|im_sep|>" }, { 0 }, TURNS(chat_phi4) },
	{ "phi4-mini", { "<|end|>", "'<|assistant|>'~}}", "eos_token" }, { 0 },
	  TURNS(chat_phi4_mini) },
	{ "phi3-first", { "<|end|>", "<|user|>", "{{~bos_token~}}" }, { "add_generation_prompt" },
	  USERS(chat_phi3_first) },
	{ "phi3-first-bare", { "<|end|>", "<|user|>" }, { "add_generation_prompt" },
	  USERS(chat_phi3_first_bare) },
	{ "phi3-small", { "<|end|>", "<|assistant|>", "{{~bos_token~}}" }, { 0 },
	  TURNS(chat_phi3_small) },
	{ "phi3-vision", { "<|end|>", "<|assistant|>", "messages[~1]['role'] != 'assistant'" },
	  { 0 }, TURNS(chat_phi3_vision) },
	{ "phi3", { "<|end|>", "<|assistant|>", "<|user|>" }, { 0 }, TURNS(chat_phi3) },
	{ "zephyr", { "<|assistant|>", "<|user|>", "<|system|>", "eos_token" }, { "[gMASK]" },
	  TURNS(chat_zephyr) },
	{ "stablelm", { "<|assistant|>", "<|user|>", "eos_token" }, { "[gMASK]" },
	  USERS(chat_stablelm) },

	/* ChatML: with a system's turn of its own, with BOS, and what is left */
	{ "qwen2.5", { "<|im_start|>", "You are Qwen, created by Alibaba Cloud" }, { 0 },
	  TURNS(chat_qwen25) },
	{ "smollm2", { "<|im_start|>", "You are a helpful AI assistant named SmolLM" },
	  { "Reasoning Mode" }, TURNS(chat_smollm2) },
	{ "qwen2", { "<|im_start|>", "You are a helpful assistant." }, { "<tool_call>" },
	  TURNS(chat_qwen2) },
	{ "qwen1.5", { "<|im_start|>", "You are a helpful assistant<|im_end|>" }, { 0 },
	  TURNS(chat_qwen15) },
	{ "chatml-ends", { "<|im_start|>", "bos_token", "{{~eos_token~}}" }, { 0 },
	  TURNS(chat_chatml_ends) },
	{ "chatml-bos", { "<|im_start|>", "{{~bos_token~}}" }, { 0 }, TURNS(chat_chatml_bos) },
	{ "chatml-bare", { "<|im_start|>user", "{{~system_message~}}" },
	  { "add_generation_prompt" }, TURNS(chat_chatml_bare) },
	{ "chatml", { "<|im_start|>", "<|im_end|>" }, { "You are DBRX" }, TURNS(chat_chatml) },

	/* plain text, and marks of their own */
	{ "orca-vicuna", { "'SYSTEM: '", "'USER: '", "'ASSISTANT: '" }, { 0 },
	  TURNS(chat_orca_vicuna) },
	{ "vicuna", { "'USER: '", "'ASSISTANT: '" }, { 0 }, TURNS(chat_vicuna) },
	{ "deepseek-coder", { "### Instruction:", "<|EOT|>" }, { 0 }, TURNS(chat_deepseek_coder) },
	{ "starcoder2", { "exceptionally intelligent", "### Instruction" }, { 0 },
	  USERS(chat_starcoder2) },
	{ "magicoder", { "exceptionally intelligent", "@@ Instruction" }, { 0 },
	  USERS(chat_magicoder) },
	{ "alpaca", { "### Instruction:\n", "### Response:\n" }, { 0 }, TURNS(chat_alpaca) },
	{ "solar", { "### User:", "### Assistant:" }, { 0 }, TURNS(chat_solar) },
	{ "openchat", { "'GPT4 Correct '", "<|end_of_turn|>" }, { 0 }, TURNS(chat_openchat) },
	{ "deepseek-v2", { "'User: '", "'Assistant: '", "eos_token" }, { 0 },
	  TURNS(chat_deepseek_2) },
	{ "granite-code", { "'Question:\n'", "'Answer:\n'" }, { 0 }, TURNS(chat_granite_code) },
	{ "granite3", { "<|start_of_role|>", "<|end_of_role|>" }, { 0 }, TURNS(chat_granite_3) },
	{ "command-r", { "<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>" }, { 0 },
	  TURNS(chat_command_r) },
	{ "megrez", { "<|role_start|>", "<|turn_end|>" }, { 0 }, TURNS(chat_megrez) },
	{ "minicpm", { "<用户>", "<AI>" }, { 0 }, TURNS(chat_minicpm) },
};
/* clang-format on */

const size_t chat_n_families = ARRAY_LEN(chat_families);
