/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.h - who may connect, and which controllers there are.
 *
 * Thread: control thread. A reactor reaches it through np_registry_connect().
 * Depends: ctrl.h, transport.h, runtime.h.
 */
#ifndef NP_NVME_REGISTRY_H
#define NP_NVME_REGISTRY_H

#include "target/nvme/ctrl.h"
#include "target/nvme/subsys.h"
#include "transport/transport.h"

/**
 * np_registry_open() - begin to take associations
 *
 * There is one registry a process. Context: control thread.
 */
void np_registry_open(
	struct np_runtime *runtime, struct np_transport *transport, struct np_target *target);

/* Context: control thread, no connection left. */
void np_registry_close(void);

/**
 * np_registry_connect() - decide about a Fabrics Connect
 * @req: holds the command, and req->bytes of connect data at req->va; is answered by this
 *
 * Context: the queue's reactor. The decision falls on the control thread; the queue is bound to
 * its controller and the command completed on the reactor again.
 * Spec: NVM Express Base 2.0, 6.3 (Connect), NVMe-oF 1.1 section 4.2.
 */
void np_registry_connect(struct np_req *req);

/**
 * np_registry_ctrl_fatal() - end an association: keep-alive expired, or a fatal error
 *
 * All of its connections are aborted. Context: the reactor of @ctrl.
 */
void np_registry_ctrl_fatal(struct np_ctrl *ctrl, const char *why);

/*
 * Has the host of @ctrl told of @news. Without memory it finds out when it looks the next time.
 * Context: control thread.
 */
void np_registry_tell(struct np_ctrl *ctrl, const struct np_news *news);

/* Likewise of the drives' health, if there is anything to tell. */
void np_registry_tell_health(struct np_ctrl *ctrl, const struct np_health *health);

/* Ends the association of @ctrl with its host. Context: control thread. */
void np_registry_disconnect(struct np_ctrl *ctrl, const char *why);

/* Ends one connection. Context: control thread. */
void np_registry_disconnect_queue(struct np_queue *queue, const char *why);

/* Has @msg->fn run on the control thread. Context: any reactor. */
void np_registry_send(struct np_msg *msg);

/* Has @fn run there with the msg of @req. Context: its reactor. */
void np_registry_ask(struct np_req *req, void (*fn)(struct np_msg *msg));

/**
 * np_registry_reply() - what was asked is decided: back to the reactor of @req
 * @fn: goes on there, with @status in the CQE; NULL: the command is answered with it
 *
 * Context: any thread.
 */
void np_registry_reply(struct np_req *req, struct np_status status, void (*fn)(struct np_msg *msg));

/* Return: NULL if no host has the controller now. Context: control thread. */
struct np_ctrl *np_registry_find(const struct np_subsys *subsys, uint32_t cntlid);

/* Calls @fn for each controller. Context: control thread. */
void np_registry_each(void (*fn)(void *ctx, struct np_ctrl *ctrl), void *ctx);

#endif
