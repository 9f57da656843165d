// SPDX-License-Identifier: BSD-3-Clause
/*
 * main.c - runs the cases and prints a line for each.
 *
 * After each case the shared controller must still do its work: what one connection does is no
 * other's business. Exit code: 0, 1 if a case failed, 2 for a wrong command line.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rxe/rawclient/raw.h"

static const struct raw_case *const groups[] = {raw_cm_cases, raw_capsule_cases, raw_connect_cases,
	raw_discovery_cases, raw_command_cases, raw_field_cases, raw_share_cases, raw_manage_cases,
	raw_each_cases, raw_sgl_cases, raw_data_cases, raw_abort_cases, raw_fused_cases,
	raw_storm_cases, raw_state_cases, raw_zoned_cases, raw_auth_cases};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const char usage[] =
	"usage: np-rawclient -a ADDRESS [-s SERVICE] -n SUBNQN [-i NSID] [-c CNTLID] [-z] "
	"[CASE...]\n"
	"       np-rawclient --list\n"
	"Overwrites the first 8 MiB of the namespace. A CASE may be the start of a name. Without "
	"any,\n"
	"all that --list prints are run; slow ones and those that want a target of their own have "
	"to\n"
	"be named. With -z the controller is enabled for all command sets, not NVM alone.\n";

bool raw_say(struct raw_env *env, bool result, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(env->detail, sizeof(env->detail), fmt, args);
	va_end(args);
	return result;
}

static bool is_wanted(const char *name, char *const wanted[], int count)
{
	for (int i = 0; i < count; i++) {
		if (!strncmp(name, wanted[i], strlen(wanted[i])))
			return true;
	}
	return count == 0;
}

static bool run(struct raw_env *env, const struct raw_case *self)
{
	bool is_ok;

	env->detail[0] = '\0';
	is_ok = raw_shared(env) && self->run(env, self);
	if (is_ok && !raw_expect_unharmed(env->shared->io))
		is_ok = false;
	if (!is_ok) {
		raw_ctrl_close(env->shared);
		env->shared = NULL;
	}
	printf("%s %s: %s\n", is_ok ? "ok" : "FAIL", self->name, env->detail);
	fflush(stdout);
	return is_ok;
}

static void list(void)
{
	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct raw_case *self = groups[i]; self->name; self++) {
			if (!self->is_by_name)
				puts(self->name);
		}
	}
}

static int run_all(struct raw_env *env, char *const wanted[], int count)
{
	unsigned int ran = 0, failed = 0;

	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct raw_case *self = groups[i]; self->name; self++) {
			if (!is_wanted(self->name, wanted, count) || (self->is_by_name && !count))
				continue;
			ran++;
			failed += !run(env, self);
		}
	}
	printf("%u cases, %u failed\n", ran, failed);
	return failed || !ran;
}

static void close_env(struct raw_env *env)
{
	raw_ctrl_close(env->shared);
	if (env->data_mr)
		ibv_dereg_mr(env->data_mr);
	if (env->pd)
		ibv_dealloc_pd(env->pd);
	free(env->data);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"list", no_argument, NULL, 'l'}, {0}};
	struct raw_env env = {.service = "4420", .nsid = 1, .cntlid = 0xffff};
	int option, rc;

	while ((option = getopt_long(argc, argv, "a:s:n:i:c:z", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			env.address = optarg;
			break;
		case 's':
			env.service = optarg;
			break;
		case 'n':
			env.subnqn = optarg;
			break;
		case 'i':
			env.nsid = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'c':
			env.cntlid = (uint16_t)strtoul(optarg, NULL, 0);
			break;
		case 'z':
			env.css = NVME_CC_CSS_CSI;
			break;
		case 'l':
			list();
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!env.address || !env.subnqn) {
		fputs(usage, stderr);
		return 2;
	}
	rc = run_all(&env, argv + optind, argc - optind);
	close_env(&env);
	return rc;
}
