/* The end of a sequence, which whoever asked for it is told of. */
#include <errno.h>

#include "engine/serve/engine_private.h"

void seq_end(struct engine *e, struct seq *s, int rc, enum ragd_finish finish,
	     const struct ragd_err *err)
{
	static const struct ragd_err none;

	if (s->score != NULL) {
		score_part(e, s, rc, err);
		return;
	}
	if (rc == -ECANCELED)
		e->counts.n_cancelled++;
	gate_publish(e);
	s->req.done(s->req.arg, rc, finish, &s->usage, err != NULL ? err : &none);
	seq_free(s);
}

void seq_fail(struct engine *e, struct seq *s, const struct ragd_err *err)
{
	seq_stop(e, s);
	seq_end(e, s, err->code, RAGD_FINISH_STOP, err);
}
