/*
 * What the files of families offer the table: a form for each row, and renderers besides
 * chat_turns.
 */
#ifndef ENGINE_CHAT_FORMS_H
#define ENGINE_CHAT_FORMS_H

#include "engine/chat/family.h"

/* chatml.c */
extern const struct chat_turns chat_chatml, chat_chatml_bos, chat_chatml_ends, chat_chatml_bare;
extern const struct chat_turns chat_qwen15, chat_qwen2, chat_qwen25, chat_smollm2;
extern const struct chat_turns chat_phi4, chat_phi4_first, chat_megrez;

/* phi3.c */
extern const struct chat_turns chat_phi3, chat_phi3_small, chat_phi3_vision;
extern const struct chat_turns chat_phi3_first, chat_phi3_first_bare, chat_phi4_mini;
extern const struct chat_turns chat_zephyr, chat_stablelm;

/* plain.c */
extern const struct chat_turns chat_vicuna, chat_orca_vicuna, chat_alpaca, chat_solar,
	chat_openchat;
extern const struct chat_turns chat_deepseek_coder, chat_deepseek_2, chat_starcoder2,
	chat_magicoder;
extern const struct chat_turns chat_granite_code, chat_granite_3, chat_command_r, chat_minicpm;

/* llama2.c */
int chat_llama2_render(const void *form, struct chat_out *o, const struct ragd_message *m,
		       size_t n);

/* llama3.c */
extern const struct chat_turns chat_llama3, chat_llama3_first;
extern const struct chat_llama31 {
	bool asks_date; /* the template asks for today (strftime_now) */
} chat_llama31, chat_llama32;
int chat_llama31_render(const void *form, struct chat_out *o, const struct ragd_message *m,
			size_t n);

/* mistral.c */
extern const struct chat_turns chat_mistral_old, chat_mistral_oldest;
extern const struct chat_turns chat_mistral_v7, chat_mistral_v7_tekken;
extern const struct chat_mistral {
	const char *open, *close; /* around a question */
	const char *answer;       /* before an answer */
	bool trim_answer;
	bool system_last; /* the system's text goes with the last message, not the first */
} chat_mistral_v1, chat_mistral_v3, chat_mistral_nemo;
int chat_mistral_render(const void *form, struct chat_out *o, const struct ragd_message *m,
			size_t n);

/* gemma.c */
extern const struct chat_turns chat_gemma;
int chat_gemma3_render(const void *form, struct chat_out *o, const struct ragd_message *m,
		       size_t n);

/* thinking.c */
extern const struct chat_qwen3 {
	enum { QWEN3_MAY_THINK, QWEN3_NEVER_THINKS, QWEN3_ALWAYS_THINKS } mode;
} chat_qwen3, chat_qwen3_plain, chat_qwen3_thinking;
extern const struct chat_deepseek {
	bool drops_thought;
	bool thinks;
} chat_deepseek_r1, chat_deepseek_r1_first, chat_deepseek_3;
int chat_qwen3_render(const void *form, struct chat_out *o, const struct ragd_message *m, size_t n);
int chat_deepseek_render(const void *form, struct chat_out *o, const struct ragd_message *m,
			 size_t n);

#endif
