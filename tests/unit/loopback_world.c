// SPDX-License-Identifier: BSD-3-Clause
/*
 * loopback_world.c - builds and takes down the loopback world: ports, subsystems, memory.
 *
 * Thread: the test's, which plays reactor and control thread.
 * Depends: loopback.h, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loopback.h"
#include "target/nvme/cntlid.h"

static void np_lb_open_threads(struct np_lb *lb)
{
	np_list_init(&lb->reactor.pollers);
	np_list_init(&lb->reactor.timers);
	lb->reactor.now_us = 1000000;
	assert_int_equal(np_mailbox_init(&lb->reactor.mailbox), 0);
	assert_int_equal(np_mailbox_init(&lb->runtime.control), 0);
	lb->runtime.reactors[0] = &lb->reactor;
	lb->runtime.nreactors = 1;
}

static void np_lb_open_memory(struct np_lb *lb)
{
	static const char *const names[] = {"host", "admin", "peer"};

	for (unsigned int i = 0; i < 3; i++) {
		struct np_mem_region *region = &lb->regions[i];

		region->id = i;
		snprintf(region->name, sizeof(region->name), "%s", names[i]);
		region->bytes = NP_LB_POOL_BYTES;
		region->va = aligned_alloc(NP_PAGE_BYTES, region->bytes);
		assert_non_null(region->va);
		region->is_peer = region->is_optional = i == NP_LB_REGION_PEER;
		region->npools = 1;
		assert_int_equal(
			np_pool_new(region, region->va, region->bytes, &region->pools[0]), 0);
		np_pool_attach(region->pools[0], &lb->reactor);
		lb->mem.regions[i] = region;
	}
}

static void np_lb_open_ns(struct np_lb *lb, unsigned int i, uint32_t nsid)
{
	struct np_lb_backend *backend = &lb->backends[i];
	struct np_ns *ns = &lb->ns[i];

	backend->base.ops = &np_lb_backend_ops;
	backend->base.block_bytes = 1u << NP_LB_BLOCK_SHIFT;
	backend->base.nblocks = NP_LB_NS_BLOCKS;
	backend->base.max_io_bytes = NP_MDTS_BYTES;
	backend->base.volatile_cache = true;
	backend->base.can_write_zeroes = true;
	backend->base.can_deallocate = true;
	backend->blocks = calloc(NP_LB_NS_BLOCKS, 1u << NP_LB_BLOCK_SHIFT);
	assert_non_null(backend->blocks);
	ns->nsid = nsid;
	ns->ana_group = 1;
	ns->lba_shift = NP_LB_BLOCK_SHIFT;
	ns->nblocks = NP_LB_NS_BLOCKS;
	np_ns_make_uuid(lb->subsys.nqn, nsid, ns->uuid);
	ns->backend = &backend->base;
	ns->nreactors = 1;
	ns->stats = np_line_alloc(sizeof(*ns->stats));
	assert_true(np_ns_new_use(ns, 1));
	assert_non_null(ns->stats);
	assert_non_null(ns->use);
	ns->gate = np_gate_new(&lb->runtime);
	assert_non_null(ns->gate);
	lb->subsys.view->ns[lb->subsys.view->nns++] = ns;
}

static void np_lb_open_subsys(
	struct np_subsys *subsys, const char *nqn, const char *hostnqn, unsigned int max_ns)
{
	snprintf(subsys->nqn, sizeof(subsys->nqn), "%s", nqn);
	snprintf(subsys->serial, sizeof(subsys->serial), "SERIAL-1");
	snprintf(subsys->model, sizeof(subsys->model), "a model");
	snprintf(subsys->firmware, sizeof(subsys->firmware), "1.0");
	subsys->allow_any_host = !hostnqn;
	np_list_init(&subsys->static_ctrls);
	subsys->cntlid_min = NP_CNTLID_MIN;
	subsys->cntlid_max = NP_CNTLID_MAX;
	subsys->max_io_queues = 4;
	subsys->nn = NP_MAX_NAMESPACES;
	subsys->view = calloc(1, sizeof(*subsys->view) + max_ns * sizeof(subsys->view->ns[0]));
	assert_non_null(subsys->view);
	if (!hostnqn)
		return;
	subsys->hosts = calloc(1, sizeof(*subsys->hosts));
	assert_non_null(subsys->hosts);
	snprintf(subsys->hosts[0], sizeof(subsys->hosts[0]), "%s", hostnqn);
	subsys->nhosts = 1;
}

static void np_lb_open_port(struct np_port *port, uint16_t portid, const char *traddr,
	const char *trsvcid, unsigned int nsubsys)
{
	port->portid = portid;
	port->max_entries = NP_MAX_QUEUE_DEPTH;
	np_ana_init(&port->ana);
	port->state = NP_PORT_LISTENING;
	snprintf(port->traddr, sizeof(port->traddr), "%s", traddr);
	snprintf(port->trsvcid, sizeof(port->trsvcid), "%s", trsvcid);
	np_list_init(&port->referrals);
	port->subsys = calloc(nsubsys, sizeof(struct np_subsys *));
	assert_non_null(port->subsys);
	port->nsubsys = nsubsys;
}

static void np_lb_open_target(struct np_lb *lb)
{
	struct np_target *target = &lb->target;

	np_lb_open_subsys(&lb->subsys, NP_LB_SUBNQN, NP_LB_HOSTNQN, 2);
	np_lb_open_subsys(&lb->open_subsys, NP_LB_SUBNQN_OPEN, NULL, 0);
	np_lb_open_subsys(&lb->other_subsys, NP_LB_SUBNQN_OTHER, "nqn.2026-01.org.example:h2", 0);
	np_lb_open_ns(lb, 0, 1);
	np_lb_open_ns(lb, 1, 3);
	np_lb_open_port(&lb->ports[0], 1, "10.0.0.1", "4420", 3);
	lb->ports[0].subsys[0] = &lb->subsys;
	lb->ports[0].subsys[1] = &lb->open_subsys;
	lb->ports[0].subsys[2] = &lb->other_subsys;
	np_lb_open_port(&lb->ports[1], 2, "0.0.0.0", "4421", 1);
	lb->ports[1].subsys[0] = &lb->subsys;
	target->nports = 2;
	target->ports = calloc(2, sizeof(struct np_port *));
	assert_non_null(target->ports);
	target->ports[0] = &lb->ports[0];
	target->ports[1] = &lb->ports[1];
	target->discovery = np_subsys_new_discovery(NULL);
	assert_non_null(target->discovery);
}

struct np_lb *np_lb_open(void)
{
	struct np_lb *lb = aligned_alloc(64, (sizeof(*lb) + 63) / 64 * 64);

	assert_non_null(lb);
	memset(lb, 0, sizeof(*lb));
	lb->transport.ops = &np_lb_transport_ops;
	np_lb_open_threads(lb);
	np_lb_open_memory(lb);
	np_lb_open_target(lb);
	np_registry_open(&lb->runtime, &lb->transport, &lb->target);
	return lb;
}

static void np_lb_close_subsys(struct np_subsys *subsys)
{
	np_cntlid_forget(subsys);
	free(subsys->hosts);
	free(subsys->view);
}

void np_lb_close(struct np_lb *lb)
{
	for (unsigned int i = 0; i < 2; i++)
		lb->backends[i].is_held = false;
	for (unsigned int i = 0; i < lb->nconns; i++)
		np_lb_disconnect(lb->conns[i]);
	np_lb_pump(lb);
	for (unsigned int i = 0; i < lb->nconns; i++) {
		assert_true(lb->conns[i]->is_closed);
		free(lb->conns[i]);
	}
	np_registry_close();
	for (unsigned int i = 0; i < 3; i++)
		np_timer_cancel(&lb->regions[i].pools[0]->witness.timer);
	assert_true(np_list_is_empty(&lb->reactor.timers));
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(np_stat_read(&lb->regions[i].pools[0]->in_use_bytes), 0);
		np_pool_free(lb->regions[i].pools[0]);
		free(lb->regions[i].va);
	}
	for (unsigned int i = 0; i < 2; i++) {
		free(lb->backends[i].blocks);
		assert_false(np_ns_is_used(&lb->ns[i]));
		free(lb->ns[i].stats);
		free(lb->ns[i].use);
		np_gate_put(lb->ns[i].gate);
		free(lb->ports[i].subsys);
	}
	np_lb_close_subsys(&lb->subsys);
	np_lb_close_subsys(&lb->open_subsys);
	np_lb_close_subsys(&lb->other_subsys);
	np_subsys_free(lb->target.discovery);
	free(lb->target.ports);
	np_mailbox_fini(&lb->reactor.mailbox);
	np_mailbox_fini(&lb->runtime.control);
	free(lb);
}

struct np_lb_conn *np_lb_conn_new(struct np_lb *lb, uint16_t qid, uint16_t depth)
{
	struct np_lb_conn *conn = calloc(1, sizeof(*conn));

	assert_non_null(conn);
	assert_true(lb->nconns < NP_LB_MAX_CONNS);
	np_queue_init(&conn->queue, &np_lb_transport_ops, &lb->reactor, &lb->ports[0], &lb->mem,
		lb->nconns + 1, qid, depth);
	snprintf(conn->queue.local_addr, sizeof(conn->queue.local_addr), "10.0.0.1");
	for (unsigned int i = 0; i < NP_LB_DEPTH; i++)
		np_list_init(&conn->slots[i].req.link);
	conn->lb = lb;
	lb->conns[lb->nconns++] = conn;
	return conn;
}
