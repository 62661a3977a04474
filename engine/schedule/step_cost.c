/* How long steps take: a line through the steps without prompts, a mean over those with. */
#include "engine/schedule/step_cost.h"

#include "base/util.h"

#define FORGET     0.95 /* weight of a step after the next one */
#define SLICE_MIN  4    /* prompts always get on */
#define SLICE_NEW  4    /* tokens of prompts in a step while their cost is not known */
#define FEW_DEARER 2    /* times that a token costs more among few, until that is seen */
#define MANY       32   /* tokens of prompts that make a step full of them */
#define REFRESH    32   /* steps with prompts until one without is wanted */
#define SEEN_MIN   2    /* steps without prompts before their time is believed */
#define ROW_SHARE  0.1  /* what a row costs on top of the rest, until steps of several sizes tell */
#define OUTLIER    4.0 /* a step that took this many times too long was held up by something else */
#define OUTLIER_AT 6.0 /* steps (weighted) before anything counts as too long */

static double line_slope(const struct step_cost *p)
{
	double mx = p->x / p->n, my = p->y / p->n;
	double var = p->xx / p->n - mx * mx, cov = p->xy / p->n - mx * my;
	double guess = ROW_SHARE * my / MAX(mx, 1.0), slope;

	/*
	 * The guess weighs as much as a variance of a quarter: steps of one size only tell nothing.
	 */
	slope = (MAX(var, 0.0) > 0 ? cov : 0.0) + 0.25 * guess;
	slope /= MAX(var, 0.0) + 0.25;
	return MIN(MAX(slope, 0.0), my / MAX(mx, 1.0));
}

double step_cost_row_us(const struct step_cost *p)
{
	return p->n > 0 ? line_slope(p) : 0;
}

double step_cost_us(const struct step_cost *p, size_t rows)
{
	double us;

	if (p->n <= 0)
		return 0;
	us = p->y / p->n + line_slope(p) * ((double)rows - p->x / p->n);
	return MAX(us, 0.0);
}

static void learn_rows(struct step_cost *p, double rows, double us)
{
	double usual = step_cost_us(p, (size_t)rows);

	if (p->n > OUTLIER_AT && usual > 0 && us > OUTLIER * usual)
		us = OUTLIER * usual;
	p->n = p->n * FORGET + 1;
	p->x = p->x * FORGET + rows;
	p->y = p->y * FORGET + us;
	p->xx = p->xx * FORGET + rows * rows;
	p->xy = p->xy * FORGET + rows * us;
	p->n_since = 0;
}

/*
 * Steps full of prompts cost less for a token than those with a small slice: they are kept apart.
 */
static void learn_prompt(struct step_cost *p, double one)
{
	double off;

	if (p->n_prompts++ == 0) {
		p->prompt_us = one;
		p->prompt_dev_us = one / 4;
		return;
	}
	one = MIN(one, 2 * OUTLIER * p->prompt_us);
	off = one > p->prompt_us ? one - p->prompt_us : p->prompt_us - one;
	p->prompt_us += 0.2 * (one - p->prompt_us);
	p->prompt_dev_us += 0.2 * (off - p->prompt_dev_us);
}

void step_cost_learn(struct step_cost *p, size_t rows, size_t prompt, double us)
{
	if (prompt == 0) {
		if (rows > 0)
			learn_rows(p, (double)rows, us);
		return;
	}
	p->n_since++;
	if (rows == 0 && (prompt >= MANY || p->alone_us <= 0))
		p->alone_us = us / (double)prompt;
	else if (rows > 0 && p->n > 0 &&
		 (p->n_prompts == 0 || prompt >= SLICE_MIN)) /* or too few to tell */
		learn_prompt(p, MAX(us - step_cost_us(p, rows), 0.0) / (double)prompt);
}

size_t step_cost_slice(const struct step_cost *p, size_t rows, double max_gap)
{
	double step = step_cost_us(p, rows), one = p->prompt_us + p->prompt_dev_us, fit;

	if (p->n_prompts == 0)
		one = FEW_DEARER * p->alone_us;
	if (p->n < SEEN_MIN * FORGET || p->n_since >= REFRESH)
		return 0;
	if (one <= 0)
		return SLICE_NEW;
	fit = (max_gap - 1) * step / one;
	return fit > SLICE_MIN ? (size_t)MIN(fit, 1e6) : SLICE_MIN;
}
