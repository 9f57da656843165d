/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auth.h - hosts that prove who they are: Authentication Send and Receive.
 *
 * A host for which there is a secret proves on each of its queues that it knows it, before any other
 * command is taken there. Who only knows a name, an ID and a controller's number has nothing of it: what he
 * does on a queue that he gets to the controller is of no account for the controller, and ends with the queue.
 *
 * Calculations take milliseconds and more. They are done on a thread of their own, one command of a queue
 * at a time.
 *
 * Spec: NVM Express Base 2.0, 6.1, 6.2, 8.13. Discovery controllers ask for no proof, as with the kernel's
 * target (Linux 6.12, drivers/nvme/target/auth.c, nvmet_setup_auth()).
 *
 * Thread: as said at each function.
 * Depends: auth_dialog.h, req.h.
 */
#ifndef NP_NVME_AUTH_H
#define NP_NVME_AUTH_H

#include "target/nvme/auth_dialog.h"
#include "target/nvme/req.h"

#define NP_AUTH_LIMIT_MS 60000   /* for a host to prove itself after Connect */
#define NP_AUTH_FAREWELL_MS 1000 /* for one that has failed, to be told before it is disconnected */

/* What a host has shown. */
struct np_auth_proof {
	bool is_there;
	bool is_mutual; /* we have proven ourselves as well */
	uint8_t hash, group;
};

/**
 * np_auth_arm() - has the host of @queue prove itself, if it has a secret
 *
 * The reactor does not look at what this makes before it has bound the queue to its controller.
 * Context: control thread, while Connect is decided. Return: false without memory.
 */
bool np_auth_arm(struct np_queue *queue, const char *hostnqn, const char *subnqn);

/* Frees what np_auth_arm() has made. Context: control thread; Connect is refused, or no command is left. */
void np_auth_disarm(struct np_queue *queue);

/* The queue is connected: the time begins. Context: its reactor. */
void np_auth_begin(struct np_queue *queue);

/* The queue is being drained. Context: its reactor. */
void np_auth_drain(struct np_queue *queue);

/* Context: any thread. */
struct np_auth_proof np_auth_proof_of(const struct np_queue *queue);

/* May the queue be used? Not before its host has proven who it is, if it has to. Context: its reactor. */
static inline bool np_auth_is_open(const struct np_queue *queue)
{
	/* Without a controller it is not known yet. */
	return !queue->ctrl || !queue->auth || np_auth_proof_of(queue).is_there;
}

struct np_status np_auth_check(struct np_req *req, uint32_t *ret_bytes);
void np_auth_execute(struct np_req *req);

#endif
