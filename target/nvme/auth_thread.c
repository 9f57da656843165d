// SPDX-License-Identifier: BSD-3-Clause
/*
 * auth_thread.c - the thread that calculates for hosts that prove who they are, and the secrets that it uses.
 *
 * Depends: chap.h, mailbox.h.
 */
#include "target/nvme/auth_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t news;
	pthread_t thread;
	bool is_running, must_end;
	struct np_msg *first, **end; /* what is to be done, oldest first */
	struct np_auth_entry *entries;
	size_t n;
} np_auths = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static struct np_msg *np_auth_thread_await(void)
{
	struct np_msg *msg;

	pthread_mutex_lock(&np_auths.lock);
	while (!np_auths.first && !np_auths.must_end)
		pthread_cond_wait(&np_auths.news, &np_auths.lock);
	msg = np_auths.first;
	if (msg) {
		np_auths.first = msg->next;
		if (!np_auths.first)
			np_auths.end = &np_auths.first;
	}
	pthread_mutex_unlock(&np_auths.lock);
	return msg;
}

static void *np_auth_thread_main(void *arg)
{
	struct np_msg *msg;

	while ((msg = np_auth_thread_await()) != NULL)
		msg->fn(msg);
	return arg;
}

int np_auth_thread_start(void)
{
	int ret;

	np_auths.first = NULL;
	np_auths.end = &np_auths.first;
	np_auths.must_end = false;
	ret = -pthread_create(&np_auths.thread, NULL, np_auth_thread_main, NULL);
	np_auths.is_running = !ret;
	if (!ret)
		pthread_setname_np(np_auths.thread, "np-auth");
	return ret;
}

void np_auth_thread_stop(void)
{
	if (np_auths.is_running) {
		pthread_mutex_lock(&np_auths.lock);
		np_auths.must_end = true;
		pthread_cond_signal(&np_auths.news);
		pthread_mutex_unlock(&np_auths.lock);
		pthread_join(np_auths.thread, NULL);
		np_auths.is_running = false;
	}
	np_auth_set_hosts(NULL, 0);
}

void np_auth_thread_send(struct np_msg *msg)
{
	if (!np_auths.is_running) {
		msg->fn(msg);
		return;
	}
	pthread_mutex_lock(&np_auths.lock);
	msg->next = NULL;
	*np_auths.end = msg;
	np_auths.end = &msg->next;
	pthread_cond_signal(&np_auths.news);
	pthread_mutex_unlock(&np_auths.lock);
}

int np_auth_set_hosts(const struct np_auth_entry *entries, size_t n)
{
	struct np_auth_entry *now = n ? malloc(n * sizeof(*now)) : NULL, *before;
	size_t n_before;

	if (n && !now)
		return -ENOMEM;
	if (n)
		memcpy(now, entries, n * sizeof(*now));
	pthread_mutex_lock(&np_auths.lock);
	before = np_auths.entries;
	n_before = np_auths.n;
	np_auths.entries = now;
	np_auths.n = n;
	pthread_mutex_unlock(&np_auths.lock);
	if (before)
		np_secret_forget(before, n_before * sizeof(*before));
	free(before);
	return 0;
}

bool np_auth_find(const char *nqn, struct np_auth_host *ret_host)
{
	bool is_found = false;

	pthread_mutex_lock(&np_auths.lock);
	for (size_t i = 0; !is_found && i < np_auths.n; i++) {
		is_found = !strcmp(np_auths.entries[i].nqn, nqn);
		if (is_found && ret_host)
			*ret_host = np_auths.entries[i].host;
	}
	pthread_mutex_unlock(&np_auths.lock);
	return is_found;
}
