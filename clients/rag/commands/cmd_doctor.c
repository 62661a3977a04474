/* rag doctor: goes through what an answer needs, and says what is missing. */
#include "clients/rag/batch/json_lines.h"
#include "clients/rag/commands/commands.h"
#include "clients/rag/doctor/checks.h"

static int doctor_run(struct rag *r)
{
	struct checks x = { .r = r, .found = json_array() };

	checks_me(&x);
	checks_places(&x);
	if (checks_connect(&x)) {
		if (checks_daemon(&x)) {
			checks_assistants(&x);
			checks_collections(&x);
			checks_search(&x);
			checks_plugins(&x);
			checks_models(&x);
		}
		ragd_client_close(x.c);
	}
	if (r->args.json)
		json_line_write(r->out.f,
				json_pack("{s:b, s:O}", "ok", x.n_bad == 0, "checks", x.found));
	else if (x.n_bad == 0)
		out_printf(&r->out, STYLE_GOOD, "Nothing is missing.\n");
	json_decref(x.found);
	return x.n_bad == 0 ? EXIT_ANSWERED : EXIT_FAILED;
}

const struct rag_command doctor_command = {
	.args = { .name = "doctor",
		  .usage = "",
		  .summary = "check what an answer needs, and say what is missing" },
	.run = doctor_run,
};
