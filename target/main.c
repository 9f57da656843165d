// SPDX-License-Identifier: BSD-3-Clause
/*
 * main.c - nvmet-p2pd: arguments, signals, order of start and stop.
 *
 * Thread: this becomes the control thread.
 * Depends: every room.
 */
#include <ev.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/apply.h"
#include "config/apply_reload.h"
#include "config/check.h"
#include "config/json.h"
#include "config/report.h"
#include "config/rpc.h"
#include "target/base/event.h"

/* SIGTERM to exit takes at most 5 s; connections have this long to end. */
#define NP_DRAIN_S 4.0
#define NP_DRAIN_POLL_S 0.02

struct np_main {
	const char *config_path;
	bool only_check;
	struct ev_loop *loop;
	struct np_cfg *cfg;
	struct np_daemon daemon;
	struct np_rpc *rpc;
	struct ev_signal sigterm, sigint, sighup;
	struct ev_timer drain_timer;
	ev_tstamp drain_deadline;
};

static const char np_usage[] =
	"Usage: nvmet-p2pd -c FILE [-n] [-v]\n"
	"An NVMe-over-RDMA target that keeps data in the drives' own memory.\n"
	"\n"
	"  -c, --config FILE  configuration: JSON as written by nvmetcli, with extensions\n"
	"  -n, --check        check FILE and exit\n"
	"  -v, --verbose      log more\n"
	"  -h, --help         print this\n"
	"      --version      print the version\n"
	"\n"
	"Runs in the foreground and logs to stderr. SIGHUP has it read FILE again;\n"
	"SIGTERM and SIGINT end it.\n";

/* Return: -1 to go on, else the exit status. */
static int np_main_parse_args(struct np_main *m, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'n'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:nvh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			m->config_path = optarg;
			break;
		case 'n':
			m->only_check = true;
			break;
		case 'v':
			np_log_set_level(NP_LOG_DEBUG);
			break;
		case 'h':
			fputs(np_usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("nvmet-p2pd " NP_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(np_usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (!m->config_path || optind != argc) {
		fputs(np_usage, stderr);
		return EXIT_FAILURE;
	}
	return -1;
}

static void np_main_warn(void *ctx, const char *path, const char *msg)
{
	const struct np_main *m = ctx;

	np_log_warn("%s: %s: %s", m->config_path, path, msg);
}

static int np_main_load(struct np_main *m)
{
	struct np_cfg_diag diag = {.warn = np_main_warn, .ctx = m};
	int ret;

	ret = np_cfg_load(m->config_path, &diag, &m->cfg);
	if (!ret)
		ret = np_cfg_check(m->cfg, &diag);
	if (ret)
		np_log_err("%s: %s", m->config_path, diag.error[0] ? diag.error : strerror(-ret));
	return ret;
}

/* Memory registered with an RDMA device counts as locked; root may lift the limit. */
static void np_main_raise_limits(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY}, files;

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited))
		np_log_warn("cannot lift the limit of locked memory (ulimit -l): large pools and "
			    "many connections may be refused");
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void np_main_drain_poll(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct np_main *m = np_container_of(timer, struct np_main, drain_timer);

	(void)events;
	if (np_apply_is_busy(&m->daemon) && ev_now(loop) < m->drain_deadline)
		return;
	ev_break(loop, EVBREAK_ALL);
}

static void np_main_signal(struct ev_loop *loop, struct ev_signal *watch, int events)
{
	struct np_main *m = watch->data;

	(void)events;
	if (m->drain_deadline > 0)
		return;
	np_log_info(
		"signal %d: stopping, %u connections", watch->signum, m->daemon.transport->nconns);
	np_apply_drain(&m->daemon);
	m->drain_deadline = ev_now(loop) + NP_DRAIN_S;
	ev_timer_init(&m->drain_timer, np_main_drain_poll, 0., NP_DRAIN_POLL_S);
	ev_timer_start(loop, &m->drain_timer);
}

static void np_main_reload(struct ev_loop *loop, struct ev_signal *watch, int events)
{
	struct np_main *m = watch->data;
	json_t *changes;
	char why[512];

	(void)loop;
	(void)events;
	if (m->drain_deadline > 0)
		return;
	if (np_apply_reload_file(&m->daemon, &changes, why, sizeof(why))) {
		np_event(NP_EVENT_DAEMON, NP_LOG_ERR, "reload: nothing has changed: %s", why);
		return;
	}
	np_event(NP_EVENT_DAEMON, NP_LOG_INFO, "reload: done, %zu changes",
		json_array_size(changes));
	json_decref(changes);
}

static void np_main_watch_signal(struct np_main *m, struct ev_signal *watch, int signum,
	void (*fn)(struct ev_loop *loop, struct ev_signal *watch, int events))
{
	ev_signal_init(watch, fn, signum);
	watch->data = m;
	ev_signal_start(m->loop, watch);
}

static int np_main_run(struct np_main *m)
{
	char why[256];
	int ret;

	np_main_raise_limits();
	signal(SIGPIPE, SIG_IGN);
	m->loop = ev_default_loop(EVFLAG_AUTO);
	if (!m->loop) {
		np_log_err("cannot make an event loop");
		return EXIT_FAILURE;
	}
	/* First, so that a second daemon stops here and touches no device. */
	ret = np_rpc_open(m->loop, m->cfg->daemon.control_socket, np_report_methods, &m->daemon,
		why, sizeof(why), &m->rpc);
	if (ret) {
		np_log_err("%s: daemon.control_socket: %s", m->config_path, why);
		return EXIT_FAILURE;
	}
	/* A signal that comes while devices are tested is acted on when that is done. */
	np_main_watch_signal(m, &m->sigterm, SIGTERM, np_main_signal);
	np_main_watch_signal(m, &m->sigint, SIGINT, np_main_signal);
	ret = np_apply_start(&m->daemon, m->loop, m->cfg, why, sizeof(why));
	if (ret) {
		np_log_err("%s: %s", m->config_path, why);
		np_rpc_close(m->rpc);
		return EXIT_FAILURE;
	}
	m->daemon.config_path = m->config_path;
	np_main_watch_signal(m, &m->sighup, SIGHUP, np_main_reload);
	np_event(NP_EVENT_DAEMON, NP_LOG_INFO, "nvmet-p2pd " NP_VERSION " is ready");
	ev_run(m->loop, 0);

	np_rpc_close(m->rpc);
	if (np_apply_is_busy(&m->daemon)) {
		/* The drives hold their requests. The kernel takes back all that is theirs. */
		np_log_warn("%u connections did not end in time, or a drive did not answer",
			m->daemon.transport->nconns);
		_exit(EXIT_SUCCESS);
	}
	np_apply_stop(&m->daemon);
	np_log_info("stopped");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct np_main *m = calloc(1, sizeof(*m));
	int status;

	if (!m)
		return EXIT_FAILURE;
	status = np_main_parse_args(m, argc, argv);
	if (status < 0) {
		if (np_main_load(m))
			status = EXIT_FAILURE;
		else
			status = m->only_check ? EXIT_SUCCESS : np_main_run(m);
	}
	np_cfg_free(m->cfg);
	free(m);
	return status;
}
