/*
 * Inside of engine/chat: a family is one row of the table in families.c, and its renderer writes
 * pieces through struct chat_out. Texts of templates are written here with BOS and EOS where the
 * template names its tokens; chat_own puts the model's in.
 */
#ifndef ENGINE_CHAT_FAMILY_H
#define ENGINE_CHAT_FAMILY_H

#include "engine/chat/chat.h"

#define BOS "\1"
#define EOS "\2"

struct chat_out {
	const struct chat_context *ctx;
	struct arena *arena;
	struct vocab_piece *pieces;
	size_t n, cap;
	bool failed; /* out of memory: remembered, so that renderers need not look each time */
	struct ragd_err *err;
};

/* Text of the template, a literal; BOS and EOS in it stand for the model's tokens. */
void chat_own(struct chat_out *o, const char *text);
/* Text of people. */
void chat_text(struct chat_out *o, struct ragd_str text);
/* White space as Unicode has it, off both ends; off the right; line feeds off the left. */
struct ragd_str chat_trimmed(struct ragd_str s);
/* Take white space off both ends of what was written from piece `first` on, across pieces. */
void chat_trim_from(struct chat_out *o, size_t first);

/* The complaint of most templates that count turns. */
#define CHAT_ALTERNATE "Conversation roles must alternate user/assistant/user/assistant/..."
/* Refuse with `complaint` unless messages are user, assistant, user … from the first on. */
int chat_alternate(const struct chat_out *o, const struct ragd_message *m, size_t n,
		   const char *complaint);
/* Refuse an empty conversation, as templates do that look at messages[0]. */
int chat_not_empty(const struct chat_out *o, size_t n);
/*
 * Both, for templates that put the system's text into a turn of the user's: *system is the first
 * message, taken off the others, or NULL if it is not the system's.
 */
int chat_system_apart(const struct chat_out *o, const struct ragd_message **m, size_t *n,
		      const char *complaint, const struct ragd_message **system);

typedef int (*chat_render_fn)(const void *form, struct chat_out *o, const struct ragd_message *m,
			      size_t n);

#define CHAT_MARKS 4

struct chat_family {
	const char *name;
	/*
	 * Recognised by what stands in the template's text: all of `has` and none of `hasnt`. In a
	 * mark a ' stands for either quote, a line feed for itself or its escape, and a ~ for any
	 * run of blanks and dashes. No `has`: by name only.
	 */
	const char *has[CHAT_MARKS];
	const char *hasnt[CHAT_MARKS];
	chat_render_fn render;
	const void *form; /* what the renderer is told: see the family's file */
	bool no_system;   /* merge_system applies */
};

/* Most specific first. */
extern const struct chat_family chat_families[];
extern const size_t chat_n_families;

/* turns.c: a head, the text, a tail, for each role. */
struct chat_role {
	const char *head; /* NULL: the role is refused */
	const char *tail;
	bool trim;
};
enum {
	TURNS_FIRST = 1,     /* looks at the first message: an empty conversation is an error */
	TURNS_ALTERNATE = 2, /* user, assistant, user …, after a system message in front */
	TURNS_LAST = 4,      /* the prompt comes with the last message: none without messages */
	TURNS_ALWAYS = 8,    /* the prompt comes whatever is asked for */
	TURNS_BOS = 16,      /* BOS comes with the first message: none without messages */
	TURNS_HIDE = 32,     /* an empty system message is left out */
};
struct chat_turns {
	const char *begin;            /* before all; NULL: nothing */
	const char *no_system;        /* in place of a first message that is none of the system's */
	struct chat_role role[3];     /* by enum ragd_role */
	const char *prompt;           /* where an answer is asked for */
	const char *closed;           /* where none is */
	const char *closed_answer;    /* where none is and the last message is an answer */
	const char *system_complaint; /* where role[RAGD_ROLE_SYSTEM].head is NULL */
	unsigned flags;
};
int chat_turns(const void *form, struct chat_out *o, const struct ragd_message *m, size_t n);

#endif
