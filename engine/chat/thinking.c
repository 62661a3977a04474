/*
 * Models that think aloud before they answer: Qwen 3 and DeepSeek R1. What an earlier answer
 * thought is left out.
 */
#include "engine/chat/forms.h"

#include <string.h>

#define THINK     "<think>"
#define THINK_END "</think>"

/* Where the mark stands for the last time in s; s.len if nowhere. */
static size_t find_last(struct ragd_str s, const char *mark)
{
	size_t len = strlen(mark);

	for (size_t at = s.len < len ? 0 : s.len - len + 1; at > 0; at--)
		if (memcmp(s.s + at - 1, mark, len) == 0)
			return at - 1;
	return s.len;
}

static size_t find_first(struct ragd_str s, const char *mark)
{
	const char *p = s.len > 0 ? memmem(s.s, s.len, mark, strlen(mark)) : NULL;

	return p != NULL ? (size_t)(p - s.s) : s.len;
}

static struct ragd_str str_from(struct ragd_str s, size_t at)
{
	return (struct ragd_str){ s.len > 0 ? s.s + at : s.s, s.len - at };
}

static struct ragd_str off_left(struct ragd_str s)
{
	while (s.len > 0 && s.s[0] == '\n')
		s = str_from(s, 1);
	return s;
}

static struct ragd_str off_right(struct ragd_str s)
{
	while (s.len > 0 && s.s[s.len - 1] == '\n')
		s.len--;
	return s;
}

/* An answer's text and, before it, what it thought: empty where it has no </think>. */
static struct ragd_str thought_split(struct ragd_str text, struct ragd_str *thought)
{
	size_t end = find_last(text, THINK_END), begin;

	*thought = (struct ragd_str){ text.s, 0 };
	if (end == text.len)
		return text;
	thought->len = find_first(text, THINK_END);
	*thought = off_right(*thought);
	begin = find_last(*thought, THINK);
	if (begin < thought->len)
		*thought = str_from(*thought, begin + strlen(THINK));
	*thought = off_left(*thought);
	return str_from(text, end + strlen(THINK_END));
}

#define HEAD(role) "<|im_start|>" role "\n"
#define END        "<|im_end|>\n"

/* The last user's message that is no answer of a tool's; n where there is none. */
static size_t last_question(const struct ragd_message *m, size_t n)
{
	static const char open[] = "<tool_response>", close[] = "</tool_response>";

	for (size_t i = n; i > 0; i--) {
		struct ragd_str s = m[i - 1].text;

		if (m[i - 1].role != RAGD_ROLE_USER)
			continue;
		if (s.len < strlen(close) || memcmp(s.s, open, strlen(open)) != 0 ||
		    memcmp(s.s + s.len - strlen(close), close, strlen(close)) != 0)
			return i - 1;
	}
	return n;
}

static void qwen3_answer(struct chat_out *o, struct ragd_str all, bool after, bool last)
{
	struct ragd_str thought, text = thought_split(all, &thought);

	if (text.len != all.len)
		text = off_left(text);
	chat_own(o, HEAD("assistant"));
	if (after && (last || thought.len > 0)) {
		chat_own(o, THINK "\n");
		chat_text(o, off_right(thought));
		chat_own(o, "\n" THINK_END "\n\n");
		text = off_left(text);
	}
	chat_text(o, text);
	chat_own(o, END);
}

const struct chat_qwen3 chat_qwen3 = { QWEN3_MAY_THINK };
const struct chat_qwen3 chat_qwen3_plain = { QWEN3_NEVER_THINKS };
const struct chat_qwen3 chat_qwen3_thinking = { QWEN3_ALWAYS_THINKS };

int chat_qwen3_render(const void *form, struct chat_out *o, const struct ragd_message *m, size_t n)
{
	const struct chat_qwen3 *q = form;
	size_t question = last_question(m, n);
	int rc = chat_not_empty(o, n);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (m[i].role == RAGD_ROLE_ASSISTANT) {
			qwen3_answer(o, m[i].text, i > question, i == n - 1);
			continue;
		}
		chat_own(o, m[i].role == RAGD_ROLE_USER ? HEAD("user") : HEAD("system"));
		chat_text(o, m[i].text);
		chat_own(o, END);
	}
	if (!o->ctx->generation_prompt)
		return 0;
	chat_own(o, HEAD("assistant"));
	if (q->mode == QWEN3_ALWAYS_THINKS)
		chat_own(o, THINK "\n");
	else if (q->mode == QWEN3_NEVER_THINKS || o->ctx->no_think)
		chat_own(o, THINK "\n\n" THINK_END "\n\n");
	return 0;
}

#define DEEPSEEK_USER      "<｜User｜>"
#define DEEPSEEK_ASSISTANT "<｜Assistant｜>"
#define DEEPSEEK_END       "<｜end▁of▁sentence｜>"

const struct chat_deepseek chat_deepseek_r1 = { .drops_thought = true, .thinks = true };
const struct chat_deepseek chat_deepseek_r1_first = { .drops_thought = true, .thinks = false };
const struct chat_deepseek chat_deepseek_3 = { .drops_thought = false, .thinks = false };

/*
 * One system's text in front, bare; with several the template would keep the last without a word.
 */
int chat_deepseek_render(const void *form, struct chat_out *o, const struct ragd_message *m,
			 size_t n)
{
	const struct chat_deepseek *d = form;
	size_t n_system = 0;

	chat_own(o, BOS);
	for (size_t i = 0; i < n; i++) {
		if (m[i].role != RAGD_ROLE_SYSTEM)
			continue;
		if (n_system++ > 0)
			return ragd_err_set(o->err, -EINVAL,
					    "the template has a place for one system message only");
		chat_text(o, m[i].text);
	}
	for (size_t i = 0; i < n; i++) {
		struct ragd_str thought, text = m[i].text;

		if (m[i].role == RAGD_ROLE_USER) {
			chat_own(o, DEEPSEEK_USER);
			chat_text(o, text);
		} else if (m[i].role == RAGD_ROLE_ASSISTANT) {
			if (d->drops_thought)
				text = thought_split(text, &thought);
			chat_own(o, DEEPSEEK_ASSISTANT);
			chat_text(o, text);
			chat_own(o, DEEPSEEK_END);
		}
	}
	if (o->ctx->generation_prompt)
		chat_own(o, d->thinks ? DEEPSEEK_ASSISTANT THINK "\n" : DEEPSEEK_ASSISTANT);
	return 0;
}
