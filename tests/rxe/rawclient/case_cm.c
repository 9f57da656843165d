// SPDX-License-Identifier: BSD-3-Clause
/*
 * case_cm.c - connection requests: which are taken, and the reject code of the others.
 *
 * Spec: NVMe RDMA Transport 1.0, section 3.5; Linux include/linux/nvme-rdma.h.
 */
#include <errno.h>
#include <string.h>

#include "target/base/le.h"
#include "tests/rxe/rawclient/raw.h"

#define DEEP 1024
#define DEEP_MAX 64

static bool run_request(struct raw_env *env, const struct raw_case *self)
{
	struct raw_params params;
	struct raw_queue *queue;
	int err, reject;

	raw_params_init(&params, 1, RAW_DEPTH);
	self->twist_cm(&params);
	err = raw_queue_open(env, &params, &queue, &reject);
	if (!err)
		raw_queue_close(queue);
	if (self->want == NP_CM_OK)
		return raw_say(
			env, !err, "%s, reject code %d", err ? strerror(-err) : "accepted", reject);
	return raw_say(env, err == -ECONNREFUSED && reject == self->want,
		"%s, reject code %d, want %u", err ? strerror(-err) : "accepted", reject,
		self->want);
}

/* InfiniBand pads private data with zeros, so that a queue of size zero may be what is seen. */
static bool run_no_data(struct raw_env *env, const struct raw_case *self)
{
	struct raw_params params;
	struct raw_queue *queue;
	int err, reject;

	(void)self;
	raw_params_init(&params, 1, RAW_DEPTH);
	params.private_bytes = 0;
	err = raw_queue_open(env, &params, &queue, &reject);
	if (!err)
		raw_queue_close(queue);
	return raw_say(env,
		err == -ECONNREFUSED &&
			(reject == NP_CM_INVALID_LEN || reject == NP_CM_INVALID_HSQSIZE ||
				reject == NP_CM_INVALID_HRQSIZE),
		"%s, reject code %d", err ? strerror(-err) : "accepted", reject);
}

/* ---- many deep queues ---------------------------------------------------------------------- */

/* A controller's admin queue, as deep as is allowed. Return: NULL with *ret_reject. */
static struct raw_queue *open_deep(struct raw_env *env, int *ret_reject)
{
	struct raw_connect connect;
	struct raw_params params;
	struct raw_answer answer;
	struct raw_queue *queue;

	*ret_reject = -1;
	raw_params_init(&params, 0, DEEP);
	if (raw_queue_open(env, &params, &queue, ret_reject))
		return NULL;
	raw_connect_init(env, &connect, 0, DEEP, env->cntlid);
	if (!raw_connect_exec(queue, &connect, &answer) && !raw_status(&answer))
		return queue;
	raw_queue_close(queue);
	return NULL;
}

/* More commands than one completion queue of the RNIC can take: the target needs several. */
static bool run_many_deep(struct raw_env *env, const struct raw_case *self)
{
	struct raw_queue *queues[DEEP_MAX];
	unsigned int count = 0;
	int reject;
	bool is_ok;

	(void)self;
	while (count < DEEP_MAX && (queues[count] = open_deep(env, &reject)))
		count++;
	is_ok = count == DEEP_MAX ||
		raw_say(env, false, "%u connections, then reject code %d", count, reject);
	for (unsigned int i = 0; is_ok && i < count; i++)
		is_ok = raw_enable(queues[i]);
	if (is_ok)
		raw_say(env, true, "%u connections of depth %d", count, DEEP);
	while (count)
		raw_queue_close(queues[--count]);
	return is_ok;
}

static void twist_recfmt(struct raw_params *params)
{
	params->req.recfmt = np_le16(1);
}

static void twist_qid_129(struct raw_params *params)
{
	params->req.qid = np_le16(129);
}

static void twist_qid_ffff(struct raw_params *params)
{
	params->req.qid = 0xffff;
}

static void twist_qid_128(struct raw_params *params)
{
	params->req.qid = np_le16(128);
}

static void twist_hsqsize_0(struct raw_params *params)
{
	params->req.hsqsize_0b = 0;
}

static void twist_hsqsize_ffff(struct raw_params *params)
{
	params->req.hsqsize_0b = 0xffff;
}

static void twist_depth_1025(struct raw_params *params)
{
	params->req.hsqsize_0b = np_le16(1024);
	params->req.hrqsize = np_le16(1025);
}

static void twist_depth_1024(struct raw_params *params)
{
	params->req.hsqsize_0b = np_le16(1023);
	params->req.hrqsize = np_le16(1024);
}

static void twist_depth_2(struct raw_params *params)
{
	params->req.hsqsize_0b = np_le16(1);
	params->req.hrqsize = np_le16(2);
}

static void twist_hrqsize_0(struct raw_params *params)
{
	params->req.hrqsize = 0;
}

static void twist_no_reads(struct raw_params *params)
{
	params->read_limit = 0;
}

static void twist_admin_32(struct raw_params *params)
{
	params->req.qid = 0;
}

static void twist_admin_1(struct raw_params *params)
{
	params->req.qid = 0;
	params->req.hsqsize_0b = 0;
	params->req.hrqsize = np_le16(1);
}

#define REQUEST(title, code, change)                                                \
	{                                                                           \
		.name = title, .run = run_request, .want = code, .twist_cm = change \
	}

const struct raw_case raw_cm_cases[] = {
	{.name = "cm-no-private-data", .run = run_no_data},
	REQUEST("cm-recfmt-1", NP_CM_INVALID_RECFMT, twist_recfmt),
	REQUEST("cm-qid-129", NP_CM_INVALID_QID, twist_qid_129),
	REQUEST("cm-qid-ffff", NP_CM_INVALID_QID, twist_qid_ffff),
	REQUEST("cm-qid-128", NP_CM_OK, twist_qid_128),
	REQUEST("cm-hsqsize-0", NP_CM_INVALID_HSQSIZE, twist_hsqsize_0),
	REQUEST("cm-hsqsize-ffff", NP_CM_INVALID_HSQSIZE, twist_hsqsize_ffff),
	REQUEST("cm-depth-1025", NP_CM_INVALID_HSQSIZE, twist_depth_1025),
	REQUEST("cm-depth-1024", NP_CM_OK, twist_depth_1024),
	REQUEST("cm-depth-2", NP_CM_OK, twist_depth_2),
	REQUEST("cm-hrqsize-0", NP_CM_INVALID_HRQSIZE, twist_hrqsize_0),
	REQUEST("cm-no-inbound-reads", NP_CM_INVALID_IRD, twist_no_reads),
	REQUEST("cm-admin-depth-32", NP_CM_OK, twist_admin_32),
	REQUEST("cm-admin-depth-1", NP_CM_INVALID_HSQSIZE, twist_admin_1),
	{.name = "cm-many-deep-queues", .run = run_many_deep},
	{0},
};
