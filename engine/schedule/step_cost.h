/*
 * How long steps take: learnt from those that ran, to choose how much goes into the next. A step
 * costs something whatever is in it (the weights are read once), something for each token that is
 * decoded, and something for each token of a prompt. Times are microseconds.
 */
#ifndef ENGINE_SCHEDULE_STEP_COST_H
#define ENGINE_SCHEDULE_STEP_COST_H

#include <stddef.h>

/* All zero: nothing is known yet. */
struct step_cost {
	/*
	 * Weighted sums over steps without prompts, of rows (x) and time (y); older steps weigh
	 * less.
	 */
	double n, x, y, xx, xy;
	double alone_us;  /* a token of a prompt in a step that decodes nothing; 0: never seen */
	double prompt_us; /* a token of a prompt next to decoded ones, beyond the step's own cost */
	double prompt_dev_us; /* how far steps strayed from it, on average */
	size_t n_prompts;     /* steps with both that were seen */
	size_t n_since;       /* steps since the last one without prompts */
};

/* A step with `rows` decoded tokens (drafts counted) and `prompt` tokens of prompts took `us`. */
void step_cost_learn(struct step_cost *p, size_t rows, size_t prompt, double us);

/* What a step of `rows` decoded tokens takes, and one row more; 0 while nothing is known. */
double step_cost_us(const struct step_cost *p, size_t rows);
double step_cost_row_us(const struct step_cost *p);

/*
 * Tokens of prompts that may go into a step next to `rows` decoded ones, so that it takes at most
 * max_gap times what it would take without. Little while little is known; 0 now and then, so that
 * the step without prompts is measured too.
 */
size_t step_cost_slice(const struct step_cost *p, size_t rows, double max_gap);

#endif
