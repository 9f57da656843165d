// SPDX-License-Identifier: BSD-3-Clause
/*
 * uring.c - submission entries and completions of a reactor's ring.
 *
 * Thread: the reactor.
 * Depends: liburing.
 */
#include "target/reactor/uring.h"

#include <errno.h>
#include <string.h>

#include "target/base/log.h"

#define NP_URING_BATCH 32
#define NP_RING_ENTRIES 1024

/*
 * Where the command of an IORING_OP_URING_CMD entry begins: byte 48 of the entry, the member
 * `cmd` of struct io_uring_sqe, which liburing 2.3's copy of the header does not have.
 */
#define NP_SQE_CMD_OFFSET 48
#define NP_SQE_CMD_BYTES 80

int np_uring_init(struct io_uring *ring, unsigned int flags)
{
	const unsigned int always =
		IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_CLAMP | flags;
	/*
	 * Best first. TASKRUN_FLAG comes with DEFER_TASKRUN: without it a look at the completion
	 * queue would not know that the kernel has deferred work to run.
	 */
	static const unsigned int wanted[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int ret = -EINVAL;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && ret == -EINVAL; i++)
		ret = io_uring_queue_init(NP_RING_ENTRIES, ring, always | wanted[i]);
	if (ret)
		return ret;
	/* Spares each system call the look-up of the ring's descriptor; older kernels do without. */
	(void)io_uring_register_ring_fd(ring);
	/* Without this table np_uring_fix() will fail. */
	(void)io_uring_register_buffers_sparse(ring, NP_MAX_FIXED);
	return 0;
}

/* Return: 0 or -errno. */
static int np_uring_set_fixed(struct io_uring *ring, unsigned int number, void *va, size_t bytes)
{
	const struct iovec iov = {.iov_base = va, .iov_len = bytes};
	int ret;

	ret = io_uring_register_buffers_update_tag(ring, number, &iov, NULL, 1);
	return ret < 0 ? ret : 0;
}

int np_uring_start_polling(struct np_reactor *reactor)
{
	int ret;

	if (reactor->has_polled)
		return 0;
	ret = np_uring_init(&reactor->polled, IORING_SETUP_IOPOLL);
	for (unsigned int i = 0; i < reactor->nfixed && !ret; i++) {
		if (reactor->fixed[i].bytes)
			ret = np_uring_set_fixed(&reactor->polled, i, (void *)reactor->fixed[i].va,
				reactor->fixed[i].bytes);
		if (ret)
			io_uring_queue_exit(&reactor->polled);
	}
	reactor->has_polled = !ret;
	return ret;
}

void np_uring_exit(struct np_reactor *reactor)
{
	if (reactor->has_polled)
		io_uring_queue_exit(&reactor->polled);
	io_uring_queue_exit(&reactor->ring);
}

static struct io_uring *np_uring_of(struct np_reactor *reactor, const struct np_uring_op *op)
{
	return op && op->is_polled && reactor->has_polled ? &reactor->polled : &reactor->ring;
}

struct io_uring_sqe *np_uring_get_sqe(struct np_reactor *reactor, struct np_uring_op *op)
{
	struct io_uring *ring = np_uring_of(reactor, op);
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe) {
		if (io_uring_submit(ring) < 0)
			return NULL;
		sqe = io_uring_get_sqe(ring);
		if (!sqe)
			return NULL;
	}
	if (ring == &reactor->polled)
		reactor->npolled++;
	memset(sqe, 0, 2 * sizeof(*sqe));
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

bool np_uring_has_room(struct np_reactor *reactor, const struct np_uring_op *op, unsigned int n)
{
	struct io_uring *ring = np_uring_of(reactor, op);

	if (io_uring_sq_space_left(ring) < n)
		io_uring_submit(ring);
	return io_uring_sq_space_left(ring) >= n;
}

bool np_uring_cancel(
	struct np_reactor *reactor, const struct np_uring_op *target, struct np_uring_op *op)
{
	struct io_uring_sqe *sqe;

	op->is_polled = false;
	sqe = np_uring_get_sqe(reactor, op);
	if (!sqe)
		return false;
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = (uintptr_t)target;
	sqe->cancel_flags = IORING_ASYNC_CANCEL_ALL;
	return true;
}

void np_uring_prep_cmd(
	struct io_uring_sqe *sqe, int fd, uint32_t cmd_op, const void *cmd, size_t cmd_size)
{
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	/* The union's cmd_op shares its place with off; its upper half must be zero. */
	sqe->off = cmd_op;
	memcpy((uint8_t *)sqe + NP_SQE_CMD_OFFSET, cmd,
		cmd_size < NP_SQE_CMD_BYTES ? cmd_size : NP_SQE_CMD_BYTES);
}

static int np_uring_set_fixed_in_all(
	struct np_reactor *reactor, unsigned int number, void *va, size_t bytes)
{
	int ret = np_uring_set_fixed(&reactor->ring, number, va, bytes);

	if (ret || !reactor->has_polled)
		return ret;
	ret = np_uring_set_fixed(&reactor->polled, number, va, bytes);
	if (ret)
		np_uring_set_fixed(&reactor->ring, number, NULL, 0);
	return ret;
}

int np_uring_fix(struct np_reactor *reactor, void *va, size_t bytes)
{
	unsigned int number = 0;
	int ret;

	while (number < reactor->nfixed && reactor->fixed[number].bytes)
		number++;
	if (number == NP_MAX_FIXED)
		return -ENOSPC;
	ret = np_uring_set_fixed_in_all(reactor, number, va, bytes);
	if (ret)
		return ret;
	reactor->fixed[number].va = (uintptr_t)va;
	reactor->fixed[number].bytes = bytes;
	if (number == reactor->nfixed)
		reactor->nfixed++;
	return 0;
}

void np_uring_unfix(struct np_reactor *reactor, const void *va)
{
	const int number = np_uring_find_fixed(reactor, va, 1);

	if (number < 0)
		return;
	reactor->fixed[number].bytes = 0;
	/* What is under way with it goes on; the pages are given back after that. */
	np_uring_set_fixed_in_all(reactor, (unsigned int)number, NULL, 0);
}

int np_uring_find_fixed(const struct np_reactor *reactor, const void *va, size_t bytes)
{
	for (unsigned int i = 0; i < reactor->nfixed; i++) {
		const uintptr_t offset = (uintptr_t)va - reactor->fixed[i].va;
		const size_t size = reactor->fixed[i].bytes;

		if (offset < size && bytes <= size - offset)
			return (int)i;
	}
	return -1;
}

static unsigned int np_uring_reap_ring(struct io_uring *ring)
{
	struct io_uring_cqe *cqes[NP_URING_BATCH];
	struct {
		struct np_uring_op *op;
		int res;
		bool has_more;
		uint64_t big;
	} done[NP_URING_BATCH];
	unsigned int total = 0, n;

	do {
		n = io_uring_peek_batch_cqe(ring, cqes, NP_URING_BATCH);
		/* Consume first, then judge: done() may submit, and the entries be reused. */
		for (unsigned int i = 0; i < n; i++) {
			done[i].op = io_uring_cqe_get_data(cqes[i]);
			done[i].res = cqes[i]->res;
			done[i].has_more = cqes[i]->flags & IORING_CQE_F_MORE;
			done[i].big = cqes[i]->big_cqe[0];
		}
		io_uring_cq_advance(ring, n);
		for (unsigned int i = 0; i < n; i++) {
			if (!done[i].op)
				continue;
			done[i].op->has_more = done[i].has_more;
			done[i].op->done(done[i].op, done[i].res, done[i].big);
		}
		total += n;
	} while (n == NP_URING_BATCH);
	return total;
}

unsigned int np_uring_reap(struct np_reactor *reactor)
{
	return np_uring_reap_ring(&reactor->ring);
}

unsigned int np_uring_poll_devices(struct np_reactor *reactor)
{
	unsigned int count;

	if (!reactor->npolled)
		return 0;
	/* The usual error is -EINTR: the next turn asks again. */
	io_uring_submit_and_get_events(&reactor->polled);
	count = np_uring_reap_ring(&reactor->polled);
	reactor->npolled -= count;
	return count;
}
