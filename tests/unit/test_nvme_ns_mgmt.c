// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_ns_mgmt.c - what hosts may ask for of namespaces, in front of a manager that notes it.
 *
 * Depends: io_scene.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"
#include "target/base/le.h"

#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define BAD_OPCODE np_status_generic(NVME_SC_INVALID_OPCODE)
#define BAD_NS np_status_generic(NVME_SC_INVALID_NS)
#define NEW_NSID 17
#define OTHER_HOST "nqn.2014-08.org.nvmexpress:uuid:host-2"

/* What the manager was asked for, and what it says. */
static struct {
	struct np_manager base;
	unsigned int calls;
	struct np_ns_wish wish;
	uint32_t nsid;
	unsigned int nhosts;
	char hosts[4][NP_NQN_BYTES];
	bool is_attached;
	struct np_status status;
} manager;

static uint8_t data[4096];

static struct np_status note_create(struct np_manager *base, struct np_subsys *subsys,
	const struct np_ns_wish *wish, uint32_t *ret_nsid)
{
	(void)base;
	(void)subsys;
	manager.calls++;
	manager.wish = *wish;
	*ret_nsid = NEW_NSID;
	return manager.status;
}

static struct np_status note_remove(
	struct np_manager *base, struct np_subsys *subsys, uint32_t nsid)
{
	(void)base;
	(void)subsys;
	manager.calls++;
	manager.nsid = nsid;
	return manager.status;
}

static struct np_status note_attach(struct np_manager *base, struct np_subsys *subsys,
	uint32_t nsid, const char *const *hosts, unsigned int nhosts, bool is_attached)
{
	(void)base;
	(void)subsys;
	manager.calls++;
	manager.nsid = nsid;
	manager.nhosts = nhosts;
	for (unsigned int i = 0; i < nhosts; i++)
		snprintf(manager.hosts[i], sizeof(manager.hosts[i]), "%s", hosts[i]);
	manager.is_attached = is_attached;
	return manager.status;
}

static int setup_manager(void **state)
{
	struct scene *scene;

	memset(&manager, 0, sizeof(manager));
	manager.base = (struct np_manager){note_create, note_remove, note_attach};
	manager.status = NP_SUCCESS;
	setup(state);
	scene = *state;
	scene->lb->subsys.manager = &manager.base;
	scene->lb->subsys.capacity.bytes = 1 << 30;
	scene->lb->subsys.capacity.free_bytes = 1 << 29;
	scene->lb->subsys.capacity.block_bytes = 4096;
	return 0;
}

static struct np_cqe manage(struct scene *scene, uint32_t select, uint32_t nsid, uint32_t bytes)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_ns_mgmt, nsid);

	sqe.cdw10 = np_le32(select);
	return np_lb_exec(scene->admin, sqe, bytes ? data : NULL, bytes);
}

/* 100 shared blocks. */
static struct nvme_id_ns *good_wish(void)
{
	struct nvme_id_ns *id = (void *)data;

	memset(data, 0, sizeof(data));
	id->nsze = id->ncap = htole64(100);
	id->nmic = NVME_NS_NMIC_SHARED;
	return id;
}

static void test_create__tells_the_nsid(void **state)
{
	struct scene *scene = *state;
	struct np_cqe cqe;

	good_wish();
	cqe = manage(scene, NVME_NS_MGMT_SEL_CREATE, 0, sizeof(data));
	np_lb_assert_status(cqe, NP_SUCCESS);
	assert_int_equal(np_le32(cqe.dw0), NEW_NSID);
	assert_int_equal(manager.wish.nblocks, 100);
	assert_int_equal(manager.wish.ana_group, 1);
	assert_false(manager.wish.is_private);

	good_wish()->nmic = 0;
	((struct nvme_id_ns *)(void *)data)->anagrpid = np_le32(128);
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_CREATE, 0, sizeof(data)), NP_SUCCESS);
	assert_true(manager.wish.is_private);
	assert_int_equal(manager.wish.ana_group, 128);

	manager.status = np_status_specific(NVME_SC_NS_INSUFFICIENT_CAP);
	good_wish();
	cqe = manage(scene, NVME_NS_MGMT_SEL_CREATE, 0, sizeof(data));
	np_lb_assert_status(cqe, manager.status);
	assert_int_equal(cqe.dw0, 0);
}

struct wish_case {
	const char *name;
	size_t offset;
	uint8_t value;
	struct np_status status;
};

#define AT(member) offsetof(struct nvme_id_ns, member)

static void test_create__wrong_fields(void **state)
{
	const struct wish_case cases[] = {
		{"thin", AT(nsze), 101, np_status_specific(NVME_SC_THIN_PROV_NOT_SUPP)},
		{"more capacity than size", AT(ncap), 101, BAD_FIELD},
		{"format", AT(flbas), 1, np_status_specific(NVME_SC_INVALID_FORMAT)},
		{"protection", AT(dps), 1, BAD_FIELD},
		{"sharing", AT(nmic), 2, BAD_FIELD},
		{"ANA group", AT(anagrpid), 129, np_status_specific(NVME_SC_ANA_GROUP_ID_INVALID)},
		{"NVM set", AT(nvmsetid), 1, BAD_FIELD},
		{"endurance group", AT(endgid), 1, BAD_FIELD},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		good_wish();
		data[cases[i].offset] = cases[i].value;
		np_lb_assert_status(
			manage(scene, NVME_NS_MGMT_SEL_CREATE, 0, sizeof(data)), cases[i].status);
	}
	memset(data, 0, sizeof(data));
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_CREATE, 0, sizeof(data)), BAD_FIELD);
	assert_int_equal(manager.calls, 0);
}

static void test_manage__wrong_commands(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_ns_mgmt, 0);

	np_lb_assert_status(manage(scene, 2, 1, 0), BAD_FIELD);
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_DELETE, 0, 0), BAD_NS);
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_CREATE, 0, 512),
		np_status_generic(NVME_SC_SGL_INVALID_DATA));
	sqe.cdw11 = np_le32((uint32_t)NVME_CSI_ZNS << 24);
	np_lb_assert_status(np_lb_exec(scene->admin, sqe, data, sizeof(data)),
		np_status_specific(NVME_SC_IOCS_NOT_SUPPORTED));
	assert_int_equal(manager.calls, 0);
	scene->lb->subsys.manager = NULL;
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_DELETE, 1, 0), BAD_OPCODE);
}

static void test_delete__one_and_all(void **state)
{
	struct scene *scene = *state;

	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_DELETE, 3, 0), NP_SUCCESS);
	assert_int_equal(manager.nsid, 3);
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_DELETE, NVME_NSID_ALL, 0), NP_SUCCESS);
	assert_int_equal(manager.nsid, NVME_NSID_ALL);
	manager.status = np_status_generic(NVME_SC_OP_DENIED);
	np_lb_assert_status(manage(scene, NVME_NS_MGMT_SEL_DELETE, 3, 0), manager.status);
}

static struct np_status attach(struct scene *scene, uint32_t select, uint32_t nsid,
	const uint16_t *cntlids, uint16_t count)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_ns_attach, nsid);
	struct nvme_ctrl_list *list = (void *)data;

	memset(data, 0, sizeof(data));
	list->num = np_le16(count);
	for (unsigned int i = 0; i < count && i < NVME_ID_CTRL_LIST_MAX; i++)
		list->identifier[i] = np_le16(cntlids[i]);
	sqe.cdw10 = np_le32(select);
	return np_lb_status(np_lb_exec(scene->admin, sqe, data, sizeof(data)));
}

static void assert_attach(struct scene *scene, uint32_t select, uint32_t nsid,
	const uint16_t *cntlids, uint16_t count, struct np_status want)
{
	assert_true(np_status_is(attach(scene, select, nsid, cntlids, count), want));
}

/* Two controllers of one host are one host. */
static void test_attach__by_hosts(void **state)
{
	struct scene *scene = *state;
	struct np_lb_conn *again = np_lb_connect_admin(scene->lb, NP_LB_SUBNQN, true);
	const uint16_t ids[] = {scene->admin->queue.ctrl->cntlid, again->queue.ctrl->cntlid};

	assert_attach(scene, NVME_NS_ATTACH_SEL_CTRL_ATTACH, 3, ids, 2, NP_SUCCESS);
	assert_int_equal(manager.nsid, 3);
	assert_true(manager.is_attached);
	assert_int_equal(manager.nhosts, 1);
	assert_string_equal(manager.hosts[0], NP_LB_HOSTNQN);
	memcpy(again->queue.ctrl->hostnqn, OTHER_HOST, sizeof(OTHER_HOST));
	assert_attach(scene, NVME_NS_ATTACH_SEL_CTRL_DEATTACH, 3, ids, 2, NP_SUCCESS);
	assert_false(manager.is_attached);
	assert_int_equal(manager.nhosts, 2);
}

static void test_attach__wrong_lists(void **state)
{
	const struct np_status bad_list = np_status_specific(NVME_SC_CTRL_LIST_INVALID);
	struct scene *scene = *state;
	const uint16_t id = scene->admin->queue.ctrl->cntlid;
	const uint16_t twice[] = {id, id}, unknown[] = {id, 999}, *one = twice;

	assert_attach(scene, 0, 3, one, 0, bad_list);
	assert_attach(scene, 0, 3, twice, 2, bad_list);
	assert_attach(scene, 0, 3, unknown, 2, bad_list);
	assert_attach(scene, 2, 3, one, 1, BAD_FIELD);
	assert_attach(scene, 0, 0, one, 1, BAD_NS);
	assert_attach(scene, 0, NVME_NSID_ALL, one, 1, BAD_NS);
	assert_int_equal(manager.calls, 0);
	scene->lb->subsys.manager = NULL;
	assert_attach(scene, 0, 3, one, 1, BAD_OPCODE);
}

static struct np_status identify(struct scene *scene, uint8_t cns, uint32_t nsid)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, nsid);

	sqe.cdw10 = np_le32(cns);
	return np_lb_status(np_lb_exec(scene->admin, sqe, data, sizeof(data)));
}

/* Namespace 3 is hidden: as the operator's it is nobody's business, as a created one it is allocated. */
static void test_identify__what_is_allocated(void **state)
{
	struct scene *scene = *state;
	const struct nvme_ns_list *list = (const void *)data;
	const struct nvme_id_ns_granularity_list *granularity = (const void *)data;
	const struct nvme_id_ctrl *ctrl = (const void *)data;
	const struct nvme_id_ns *id = (const void *)data;
	struct np_view *own = calloc(1, sizeof(*own) + sizeof(own->ns[0]));

	own->nns = 1;
	own->ns[0] = &scene->lb->ns[0];
	atomic_store(&scene->admin->queue.ctrl->view, own);
	scene->admin->queue.ctrl->owns_view = true;
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, 0)));
	assert_int_equal(np_le32(list->ns[0]), 1);
	assert_int_equal(list->ns[1], 0);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_ALLOCATED_NS, 3)));
	assert_true(!id->nsze);

	scene->lb->ns[1].is_created = scene->lb->ns[1].is_private = true;
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, 0)));
	assert_int_equal(np_le32(list->ns[1]), 3);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0)));
	assert_int_equal(list->ns[1], 0);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_ALLOCATED_NS, 3)));
	assert_true(id->nsze && !id->nmic);
	assert_int_equal(id->nvmcap[1] | id->nvmcap[2] << 8 | id->nvmcap[3] << 16,
		scene->lb->ns[1].nblocks << scene->lb->ns[1].lba_shift >> 8);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_NS, 3)));
	assert_true(!id->nsze);

	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_NS, NVME_NSID_ALL)));
	assert_int_equal(id->lbaf[0].ds, 12);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_CTRL, 0)));
	assert_int_equal(np_le16(ctrl->oacs), NVME_CTRL_OACS_NS_MGMT);
	assert_int_equal(ctrl->tnvmcap[3], 0x40);
	assert_int_equal(ctrl->unvmcap[3], 0x20);
	assert_true(np_le32(ctrl->ctratt) & NVME_CTRL_CTRATT_NAMESPACE_GRANULARITY);
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_NS_GRANULARITY, 0)));
	assert_int_equal(granularity->num_descriptors, 0); /* one */
	assert_int_equal(np_le64(granularity->entry[0].nszegran), 4096);
	assert_int_equal(np_le64(granularity->entry[0].ncapgran), 4096);

	scene->lb->subsys.manager = NULL;
	assert_true(
		np_status_is(identify(scene, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, 0), BAD_FIELD));
	assert_true(np_status_is(identify(scene, NVME_IDENTIFY_CNS_NS, NVME_NSID_ALL), BAD_NS));
	assert_true(np_status_is_ok(identify(scene, NVME_IDENTIFY_CNS_CTRL, 0)));
	assert_int_equal(ctrl->oacs, 0);
}

#define MANAGED(test) cmocka_unit_test_setup_teardown(test, setup_manager, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MANAGED(test_create__tells_the_nsid),
		MANAGED(test_create__wrong_fields),
		MANAGED(test_manage__wrong_commands),
		MANAGED(test_delete__one_and_all),
		MANAGED(test_attach__by_hosts),
		MANAGED(test_attach__wrong_lists),
		MANAGED(test_identify__what_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
