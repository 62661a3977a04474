#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "daemon/plugins/plugin_set.h"
#include "daemon/service/cli.h"
#include "daemon/service/log.h"
#include "daemon/service/service.h"

#define EXIT_USAGE 2

/* -t: what a start would check, without a trace. */
static int config_check(const struct config_source *source)
{
	struct ragd_err err = { 0 };
	struct config *cfg;
	int rc;

	umask(0077);
	log_set_level(RAGD_LOG_WARN);
	rc = config_load(source, &cfg, &err);
	if (rc == 0) {
		rc = plugin_trial(cfg, &err);
		if (rc < 0)
			config_free(cfg);
	}
	if (rc < 0) {
		fprintf(stderr, "ragd: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	printf("%s: ok\n", cfg->path[0] != '\0' ? cfg->path : "built-in defaults");
	config_free(cfg);
	return EXIT_SUCCESS;
}

static int daemon_run(const struct cli *cli, int64_t started_us)
{
	switch (cli->action) {
	case CLI_CHECK:
		return config_check(&cli->source);
	case CLI_PRINT_DEFAULTS:
		fputs(config_defaults(), stdout);
		return EXIT_SUCCESS;
	case CLI_VERSION:
		puts("ragd " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	case CLI_HELP:
		cli_help(stdout);
		return EXIT_SUCCESS;
	case CLI_RUN:
		break;
	}
	return service_run(&cli->source, started_us);
}

int main(int argc, char **argv)
{
	int64_t started_us = clock_us();
	struct arena *a = arena_new(64 * 1024);
	struct ragd_err err = { 0 };
	struct cli cli;
	int status = EXIT_USAGE;
	bool ok;

	if (cli_hidden(argc, argv, stdout, &ok))
		status = ok ? EXIT_SUCCESS : EXIT_USAGE;
	else if (a == NULL || cli_parse(argc, argv, a, &cli, &err) < 0)
		fprintf(stderr, "ragd: %s; see ragd --help\n",
			a != NULL ? err.msg : "out of memory");
	else
		status = daemon_run(&cli, started_us);
	arena_free(a);
	return status;
}
