/* An answer as people see it: text as it comes, sources, label, what a filter did. */
#ifndef RAG_ANSWER_VIEW_H
#define RAG_ANSWER_VIEW_H

#include <ragd/client.h>

#include "clients/rag/terminal/out.h"
#include "clients/rag/terminal/wrap.h"

#define ANSWER_LABEL      "AI-generated from your documents; check the sources."
#define ANSWER_LABEL_BARE "AI-generated; it names no source, so check it elsewhere."

struct answer_view {
	struct out *out;
	struct wrap wrap;
	bool verbose;
	bool began; /* some text was written */
};

void answer_view_init(struct answer_view *v, struct out *out, bool verbose);
/* Callbacks that write to the view, which must outlive them. */
struct ragd_events answer_view_events(struct answer_view *v);
/* After an error: end the line that was begun. */
void answer_view_break(struct answer_view *v);

/* The part of a heading's path that does not repeat the title; "" if nothing is left. */
const char *answer_view_heading(const char *title, const char *heading);

/* The exit code that an answer stands for. */
int answer_view_exit_code(const struct ragd_answer *a);

#endif
