#include "daemon/records/steady.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"

#define SETTLED_MS (60 * 60 * 1000) /* since boot: a clock that NTP sets is set by then */

static char this_boot[STEADY_BOOT_ID];

static void this_boot_read(void)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL)
		return;
	if (fgets(this_boot, sizeof(this_boot), f) != NULL)
		this_boot[strcspn(this_boot, "\n")] = '\0';
	fclose(f);
}

void steady_read(struct steady_now *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct timespec boot;

	pthread_once(&once, this_boot_read);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	*out = (struct steady_now){
		.wall_s = (int64_t)time(NULL),
		.boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000,
	};
	memcpy(out->boot_id, this_boot, sizeof(out->boot_id));
}

void steady_init(struct steady *s, const struct steady_now *now)
{
	*s = (struct steady){ .at_s = now->wall_s, .boot_ms = now->boot_ms };
	memcpy(s->boot_id, now->boot_id, sizeof(s->boot_id));
}

void steady_resume(struct steady *s, const struct steady_now *now)
{
	bool known = s->boot_id[0] != '\0' && now->boot_id[0] != '\0';
	bool same = known && strcmp(s->boot_id, now->boot_id) == 0;

	if (!same || now->boot_ms < s->boot_ms) {
		/* What this boot took so far has passed for sure. */
		s->boot_ms = known && !same ? 0 : now->boot_ms;
		s->unsettled = true;
		memcpy(s->boot_id, now->boot_id, sizeof(s->boot_id));
	}
	steady_s(s, now);
}

int64_t steady_s(struct steady *s, const struct steady_now *now)
{
	int64_t passed_s = (now->boot_ms - s->boot_ms) / 1000;

	s->at_s += passed_s;
	s->boot_ms += passed_s * 1000;
	if (s->unsettled && now->boot_ms >= SETTLED_MS) {
		s->at_s = MAX(s->at_s, now->wall_s - s->offset_s);
		s->unsettled = false;
	}
	if (!s->unsettled)
		s->offset_s = now->wall_s - s->at_s;
	return s->at_s;
}
