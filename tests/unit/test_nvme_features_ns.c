// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_features_ns.c - features of a namespace: reservation notifications and persistence, write
 * protection.
 *
 * Depends: io_scene.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io_scene.h"

#define MASK NVME_FEAT_FID_RESV_MASK
#define PERSIST NVME_FEAT_FID_RESV_PERSIST
#define PROTECT NVME_FEAT_FID_WRITE_PROTECT
#define BAD_FIELD np_status_generic(NVME_SC_INVALID_FIELD)
#define BAD_NS np_status_generic(NVME_SC_INVALID_NS)
#define PROTECTED np_status_generic(NVME_SC_NS_WRITE_PROTECTED)

static struct np_cqe set(struct scene *scene, uint8_t fid, uint32_t nsid, uint32_t value)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_set_features, nsid);

	sqe.cdw10 = np_le32(fid);
	sqe.cdw11 = np_le32(value);
	return np_lb_exec(scene->admin, sqe, NULL, 0);
}

static struct np_cqe get(struct scene *scene, uint32_t fid, uint32_t nsid)
{
	struct np_sqe sqe = np_lb_sqe(nvme_admin_get_features, nsid);

	sqe.cdw10 = np_le32(fid);
	return np_lb_exec(scene->admin, sqe, NULL, 0);
}

static void assert_value(struct scene *scene, uint32_t fid, uint32_t nsid, uint32_t value)
{
	const struct np_cqe cqe = get(scene, fid, nsid);

	np_lb_assert_status(cqe, NP_SUCCESS);
	assert_int_equal(np_le32(cqe.dw0), value);
}

/* ---- reservations ------------------------------------------------------------------------- */

static struct {
	unsigned int calls;
	bool persists;
	int error;
} kept;

static int save(struct np_resv_ns *resv, const struct np_resv *now)
{
	(void)resv;
	kept.calls++;
	kept.persists = now->persists;
	return kept.error;
}

static int setup_resv(void **state)
{
	struct scene *scene;

	setup(state);
	scene = *state;
	memset(&kept, 0, sizeof(kept));
	scene->ns->resv = np_resv_ns_new();
	scene->ns->resv->save = save;
	scene->ns->resv->can_persist = true;
	return 0;
}

static int teardown_resv(void **state)
{
	struct scene *scene = *state;
	struct np_resv_ns *resv = scene->ns->resv;

	teardown(state);
	np_resv_ns_free(resv);
	return 0;
}

/* Namespace 1 can be reserved, 3 cannot. */
static void test_resv_mask__of_each_namespace(void **state)
{
	struct scene *scene = *state;

	assert_value(scene, MASK, 1, 0);
	np_lb_assert_status(set(scene, MASK, 1, 1 << 1 | 1 << 3), NP_SUCCESS);
	assert_value(scene, MASK, 1, 1 << 1 | 1 << 3);
	assert_int_equal(scene->ns->resv->mask, 1 << 1 | 1 << 3);
	np_lb_assert_status(set(scene, MASK, NVME_NSID_ALL, 1 << 2), NP_SUCCESS);
	assert_value(scene, MASK, 1, 1 << 2);
	assert_value(scene, MASK | 1 << 8, 1, 0);
	assert_value(scene, MASK | 3 << 8, 1, 6);
	np_lb_assert_status(set(scene, MASK, 1, 1), BAD_FIELD);
	np_lb_assert_status(set(scene, MASK, 1, 1 << 4), BAD_FIELD);
	np_lb_assert_status(set(scene, MASK, 3, 0), BAD_FIELD);
	np_lb_assert_status(set(scene, MASK, 2, 0), BAD_NS);
	np_lb_assert_status(set(scene, MASK, 0, 0), BAD_NS);
	np_lb_assert_status(get(scene, MASK, 3), BAD_FIELD);
	np_lb_assert_status(get(scene, MASK, NVME_NSID_ALL), BAD_NS);
}

static void test_resv_persistence__is_kept_first(void **state)
{
	struct scene *scene = *state;

	assert_value(scene, PERSIST, 1, 0);
	np_lb_assert_status(set(scene, PERSIST, 1, 1), NP_SUCCESS);
	assert_value(scene, PERSIST, 1, 1);
	assert_true(kept.calls == 1 && kept.persists);
	kept.error = -EIO;
	np_lb_assert_status(set(scene, PERSIST, 1, 0), np_status_generic(NVME_SC_INTERNAL));
	assert_value(scene, PERSIST, 1, 1);
	kept.error = 0;
	np_lb_assert_status(set(scene, PERSIST, 1, 0), NP_SUCCESS);
	assert_value(scene, PERSIST, 1, 0);
	assert_false(kept.persists);
	scene->ns->resv->can_persist = false;
	np_lb_assert_status(set(scene, PERSIST, 1, 1), BAD_FIELD);
	np_lb_assert_status(set(scene, PERSIST, 1, 2), BAD_FIELD);
	np_lb_assert_status(set(scene, PERSIST, 3, 0), BAD_FIELD);
	np_lb_assert_status(set(scene, PERSIST, NVME_NSID_ALL, 0), BAD_NS);
}

/* ---- write protection --------------------------------------------------------------------- */

static int protect(struct np_ns *ns, bool is_protected)
{
	(void)ns;
	kept.calls++;
	kept.persists = is_protected;
	return kept.error;
}

static int setup_protect(void **state)
{
	setup(state);
	memset(&kept, 0, sizeof(kept));
	((struct scene *)*state)->ns->protect = protect;
	return 0;
}

static struct np_status write_status(struct scene *scene)
{
	uint8_t block[BLOCK] = {0};

	return np_lb_status(np_lb_exec(scene->io, rw(nvme_cmd_write, 0, 1), block, BLOCK));
}

static void test_protect__forbids_what_changes_blocks(void **state)
{
	static const uint8_t changes[] = {
		nvme_cmd_write, nvme_cmd_write_zeroes, nvme_cmd_dsm, nvme_cmd_copy};
	static const uint8_t looks[] = {nvme_cmd_read, nvme_cmd_compare};
	struct scene *scene = *state;
	uint8_t block[BLOCK] = {0};

	np_lb_assert_status(set(scene, PROTECT, 1, 1), NP_SUCCESS);
	assert_value(scene, PROTECT, 1, 1);
	for (size_t i = 0; i < sizeof(changes); i++)
		np_lb_assert_status(
			np_lb_exec(scene->io, rw(changes[i], 0, 1), block, BLOCK), PROTECTED);
	for (size_t i = 0; i < sizeof(looks); i++)
		np_lb_assert_status(
			np_lb_exec(scene->io, rw(looks[i], 0, 1), block, BLOCK), NP_SUCCESS);
	np_lb_assert_status(np_lb_exec(scene->io, rw(nvme_cmd_verify, 0, 1), NULL, 0), NP_SUCCESS);
	np_lb_assert_status(
		np_lb_exec(scene->io, np_lb_sqe(nvme_cmd_flush, 1), NULL, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_WRITE], 0);
	np_lb_assert_status(set(scene, PROTECT, 1, 0), NP_SUCCESS);
	assert_int_equal(write_status(scene).field, 0);
	assert_int_equal(kept.calls, 2);
}

static void test_protect__is_announced(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_identify, 1);
	static struct nvme_id_ctrl ctrl;
	static struct nvme_id_ns ns;

	np_lb_assert_status(np_lb_exec(scene->admin, sqe, &ns, sizeof(ns)), NP_SUCCESS);
	assert_int_equal(ns.nsattr, 0);
	np_lb_assert_status(set(scene, PROTECT, 1, 1), NP_SUCCESS);
	np_lb_assert_status(np_lb_exec(scene->admin, sqe, &ns, sizeof(ns)), NP_SUCCESS);
	assert_int_equal(ns.nsattr, 1);
	sqe.cdw10 = np_le32(NVME_IDENTIFY_CNS_CTRL);
	np_lb_assert_status(np_lb_exec(scene->admin, sqe, &ctrl, sizeof(ctrl)), NP_SUCCESS);
	assert_int_equal(ctrl.nwpc, 1);
}

/* The answer comes when what had begun has ended, and is on the medium. */
static void test_protect__waits_and_flushes(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_set_features, 1);
	struct np_lb_slot *write, *protection;
	uint8_t block[BLOCK] = {1};

	scene->backend->is_queued = scene->backend->is_held = true;
	write = np_lb_send(scene->io, rw(nvme_cmd_write, 0, 1), block, BLOCK);
	np_lb_pump(scene->lb);
	sqe.cdw10 = np_le32(PROTECT);
	sqe.cdw11 = np_le32(1);
	protection = np_lb_send(scene->admin, sqe, NULL, 0);
	np_lb_advance(scene->lb, 100);
	assert_int_equal(protection->answers, 0);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 0);
	np_lb_assert_status(
		np_lb_exec(scene->io, rw(nvme_cmd_write, 1, 1), block, BLOCK), PROTECTED);
	np_lb_backend_complete_first(scene->backend);
	np_lb_advance(scene->lb, 100);
	np_lb_assert_status(write->cqe, NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
	assert_int_equal(protection->answers, 0);
	scene->backend->is_held = false;
	np_lb_pump(scene->lb);
	assert_int_equal(protection->answers, 1);
	np_lb_assert_status(protection->cqe, NP_SUCCESS);
	/* Nothing is to be waited for, or flushed, when it ends. */
	np_lb_assert_status(set(scene, PROTECT, 1, 0), NP_SUCCESS);
	assert_int_equal(scene->backend->ops_seen[NP_IO_FLUSH], 1);
}

static void test_protect__what_cannot_be_kept_has_not_happened(void **state)
{
	struct scene *scene = *state;

	kept.error = -ENOSPC;
	np_lb_assert_status(set(scene, PROTECT, 1, 1), np_status_generic(NVME_SC_INTERNAL));
	assert_value(scene, PROTECT, 1, 0);
	assert_int_equal(write_status(scene).field, 0);
}

static void test_protect__refuses(void **state)
{
	struct scene *scene = *state;

	/* Until the next power cycle, and for ever; namespace 3 has no place to keep it. */
	np_lb_assert_status(set(scene, PROTECT, 1, 2), BAD_FIELD);
	np_lb_assert_status(set(scene, PROTECT, 1, 3), BAD_FIELD);
	np_lb_assert_status(set(scene, PROTECT, 3, 1), BAD_FIELD);
	np_lb_assert_status(get(scene, PROTECT, 3), BAD_FIELD);
	np_lb_assert_status(set(scene, PROTECT, NVME_NSID_ALL, 1), BAD_NS);
	np_lb_assert_status(set(scene, PROTECT, 2, 1), BAD_NS);
	assert_int_equal(kept.calls, 0);
}

/* The host leaves while its command waits: nothing is left over, and protection holds. */
static void test_protect__host_leaves(void **state)
{
	struct scene *scene = *state;
	struct np_sqe sqe = np_lb_sqe(nvme_admin_set_features, 1);
	uint8_t block[BLOCK] = {1};

	scene->backend->is_queued = scene->backend->is_held = true;
	np_lb_send(scene->io, rw(nvme_cmd_write, 0, 1), block, BLOCK);
	np_lb_pump(scene->lb);
	sqe.cdw10 = np_le32(PROTECT);
	sqe.cdw11 = np_le32(1);
	np_lb_send(scene->admin, sqe, NULL, 0);
	np_lb_advance(scene->lb, 100);
	np_lb_disconnect(scene->admin);
	np_lb_advance(scene->lb, 100);
	scene->backend->is_held = false;
	np_lb_advance(scene->lb, 200);
	assert_true(scene->admin->is_closed);
	assert_true(scene->ns->is_protected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_resv_mask__of_each_namespace, setup_resv, teardown_resv),
		cmocka_unit_test_setup_teardown(
			test_resv_persistence__is_kept_first, setup_resv, teardown_resv),
		cmocka_unit_test_setup_teardown(
			test_protect__forbids_what_changes_blocks, setup_protect, teardown),
		cmocka_unit_test_setup_teardown(
			test_protect__is_announced, setup_protect, teardown),
		cmocka_unit_test_setup_teardown(
			test_protect__waits_and_flushes, setup_protect, teardown),
		cmocka_unit_test_setup_teardown(test_protect__what_cannot_be_kept_has_not_happened,
			setup_protect, teardown),
		cmocka_unit_test_setup_teardown(test_protect__refuses, setup_protect, teardown),
		cmocka_unit_test_setup_teardown(test_protect__host_leaves, setup_protect, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
