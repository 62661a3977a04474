/*
 * Part of <ragd/plugin.h>: the operations of safety plugins, which filter prompts, passages and
 * answers.
 */
#ifndef RAGD_PLUGIN_SAFETY_H
#define RAGD_PLUGIN_SAFETY_H

#include <ragd/plugin_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members and their comments stand in columns. */
/* clang-format off */

enum ragd_stage {
	RAGD_STAGE_PROMPT,   /* a message that a client sends */
	RAGD_STAGE_DOCUMENT, /* a retrieved passage, before it enters a prompt */
	RAGD_STAGE_RESPONSE, /* the answer that inference writes */
};

/* In order of strength: of several verdicts the strongest counts. */
enum ragd_action {
	RAGD_ALLOW,
	RAGD_STEER,  /* go on, with verdict.note added to the system prompt */
	RAGD_REDACT, /* go on with verdict.text in place of the text */
	RAGD_BLOCK,  /* refuse the prompt or response; leave the passage out */
};

struct ragd_finding {
	enum ragd_action action;
	const char      *category; /* "pii.email", "S1", "injection": a stable name for programs */
	const char      *rule;     /* that matched, at most 512 bytes; NULL if it has no name */
	float            score;    /* 0 .. 1 */
	size_t           start;    /* byte offsets into the checked text; start == end: all of it */
	size_t           end;
};

struct ragd_screen {
	uint32_t                   size;
	enum ragd_stage            stage;
	struct ragd_str            text;     /* empty for stream_open */
	struct ragd_str            question; /* document, response: the question */
	const struct ragd_passage *passages; /* response: the evidence it may rest on */
	size_t                     n_passages;
	bool                       grounded; /* response: only what a passage supports may leave */
};

struct ragd_verdict {
	uint32_t                   size;
	enum ragd_action           action;
	const struct ragd_finding *findings;
	size_t                     n_findings;
	struct ragd_str            text;    /* RAGD_REDACT: all of it, redacted; may be { "", 0 } */
	struct ragd_str            note;    /* RAGD_STEER: sentences for the system prompt */
	struct ragd_str            message; /* RAGD_BLOCK: for the user; may be empty */
};

/* The part of a passage that a released sentence rests on. */
struct ragd_cite {
	size_t   at;      /* offset in the released text where the citation goes */
	uint32_t passage; /* index into screen.passages */
	uint32_t start;   /* passages[passage].text[start .. end) supports it; whole characters */
	uint32_t end;
	float    score; /* 0 .. 1 */
};

/* What one call of stream_feed lets out. */
struct ragd_release {
	uint32_t                   size;
	enum ragd_action           action; /* RAGD_BLOCK: nothing may leave after `text` */
	/*
	 * May leave now, redacted where necessary. If it ends inside a character, the host keeps
	 * the first part of it until the rest arrives.
	 */
	struct ragd_str            text;
	const struct ragd_finding *findings; /* offsets in all of the stream's input */
	size_t                     n_findings;
	const struct ragd_cite    *cites; /* in order of `at` */
	size_t                     n_cites;
	struct ragd_str            message; /* RAGD_BLOCK: for the user; may be empty */
};

/* For ragd_safety_ops.traits. */
#define RAGD_SAFETY_GROUNDS 1u /* it cites evidence: the daemon runs it last, and only on answers */

struct ragd_safety_ops {
	uint32_t size; /* sizeof(struct ragd_safety_ops) */
	uint32_t traits;
	uint32_t stages; /* bits (1 << stage): the stages at which it is asked */
	/*
	 * The most bytes of input that stream_feed holds back before it is told `last`. The daemon
	 * publishes the sum over the filters of a policy.
	 */
	size_t (*holdback)(void *self);

	int (*check)(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		     struct ragd_verdict *out, struct ragd_err *err);

	/*
	 * The same for a response that arrives in pieces. Calls on one stream come one at a time,
	 * but from different threads. Pieces may be cut anywhere, even inside a character; what is
	 * released over the whole stream must not depend on where. With `last`, everything that was
	 * held back is released or redacted. The memory of screen (the evidence) stays valid until
	 * stream_close. All three may be NULL: then the daemon holds back the whole answer and
	 * calls check.
	 */
	int (*stream_open)(void *self, const struct ragd_call *call,
			   const struct ragd_screen *screen, void **stream, struct ragd_err *err);
	int (*stream_feed)(void *stream, const struct ragd_call *call, const char *text, size_t len,
			   bool last, struct ragd_release *out, struct ragd_err *err);
	void (*stream_close)(void *stream);
};

/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
