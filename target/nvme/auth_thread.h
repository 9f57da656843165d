/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auth_thread.h - the thread that calculates for hosts that prove who they are, and the secrets that it uses.
 *
 * Thread: as said at each function.
 * Depends: auth_dialog.h, mailbox.h.
 */
#ifndef NP_NVME_AUTH_THREAD_H
#define NP_NVME_AUTH_THREAD_H

#include "target/nvme/auth_dialog.h"
#include "target/nvme/subsys.h"
#include "target/reactor/mailbox.h"

/* A host that has a secret. */
struct np_auth_entry {
	char nqn[NP_NQN_BYTES];
	struct np_auth_host host;
};

/* Starts the thread; without it calculations are done by who needs them. Return: 0 or -errno. */
int np_auth_thread_start(void);

/* Ends the thread and forgets all secrets. Context: control thread, no connection left. */
void np_auth_thread_stop(void);

/**
 * np_auth_set_hosts() - which hosts have secrets, from now on
 * @entries: copied
 *
 * Hosts that are connected stay so; the next proof takes the new secret.
 * Context: control thread. Return: 0, or -ENOMEM and nothing has changed.
 */
int np_auth_set_hosts(const struct np_auth_entry *entries, size_t n);

/* Copies what is known of a host; @ret_host may be NULL. Return: is anything? Context: any thread. */
bool np_auth_find(const char *nqn, struct np_auth_host *ret_host);

/* Has @msg->fn run on the thread. Context: any thread. */
void np_auth_thread_send(struct np_msg *msg);

#endif
