/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cm.h - the connection manager's events, and the listeners.
 *
 * Thread: control thread.
 * Depends: rdma.h, librdmacm.
 */
#ifndef NP_RDMA_CM_H
#define NP_RDMA_CM_H

#include <rdma/rdma_cma.h>
#include <stdint.h>

#include "target/nvme/subsys.h"
#include "transport/rdma/rdma.h"

struct np_rdma_dev;

/* A copy of an event: acknowledging the original frees it. */
struct np_rdma_cm_event {
	enum rdma_cm_event_type type;
	int status;
	struct rdma_cm_id *id;
	struct rdma_conn_param param;
	uint8_t private_data[256]; /* param.private_data_len of them */
};

/* What an rdma_cm_id's context points to: a listener or a connection. */
struct np_rdma_endpoint {
	void (*event)(struct np_rdma_endpoint *endpoint, const struct np_rdma_cm_event *event);
};

/* Begins to take events; without an RDMA device, with the first listen that finds one. */
void np_rdma_cm_open(struct np_rdma *rdma);

/* No connection and no listener is left. */
void np_rdma_cm_close(struct np_rdma *rdma);

/**
 * np_rdma_cm_listen() - listen at the address of @port
 *
 * Return: 0 or -errno with a sentence in @why; -EADDRNOTAVAIL while no RDMA device has the
 * address.
 */
int np_rdma_cm_listen(struct np_rdma *rdma, struct np_port *port, char *why, size_t why_size);

/* Harmless on a port that is not listening. */
void np_rdma_cm_unlisten(struct np_rdma *rdma, struct np_port *port);

/* Listeners that were bound to @dev go back to NP_PORT_RETRYING. */
void np_rdma_cm_device_removed(struct np_rdma_dev *dev);

#endif
