/*
 * The age of what is kept. The wall clock is set by people, by NTP, by a battery that
 * died; records that go after so many days must not go because of it. This clock begins
 * as the wall clock stood and from then on advances with the time since boot
 * (CLOCK_BOOTTIME, proc(5) boot_id), also while the daemon is stopped. Only after a
 * reboot does it have to ask the wall clock how long the machine was off, and it does so
 * an hour later, when that has most likely been set.
 */
#ifndef DAEMON_STEADY_H
#define DAEMON_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#define STEADY_BOOT_ID 40

/* What the system says of time. */
struct steady_now {
	int64_t wall_s;  /* Unix time */
	int64_t boot_ms; /* since the machine started */
	char boot_id
		[STEADY_BOOT_ID]; /* of this start; "": not known, taken for another each time */
};
typedef void steady_read_fn(struct steady_now *out);
steady_read_fn steady_read;

/* All of it is to be stored, and handed to steady_resume next time. */
struct steady {
	int64_t at_s; /* the time at boot_ms of boot_id */
	int64_t boot_ms;
	int64_t offset_s; /* how far the wall clock was ahead when that was last certain */
	bool unsettled;   /* how long the machine was off is not known yet */
	char boot_id[STEADY_BOOT_ID];
};

/* Begin with the wall clock. */
void steady_init(struct steady *s, const struct steady_now *now);
/* Continue from what was stored. */
void steady_resume(struct steady *s, const struct steady_now *now);
/* Seconds on this clock; s moves on and is worth storing again. */
int64_t steady_s(struct steady *s, const struct steady_now *now);

#endif
