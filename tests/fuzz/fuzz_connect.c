// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_connect.c - any bytes as a Fabrics Connect: the SQE first, then the connect data.
 *
 * Depends: libFuzzer.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target/nvme/connect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): that is empty in the default build type. */
static void require(int is_so)
{
	if (!is_so)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t in[4096];
	struct np_connect_fault fault = {0};
	struct np_connect connect;
	struct np_status status;
	struct np_sqe sqe = {0};
	size_t bytes = size > sizeof(sqe) ? size - sizeof(sqe) : 0;

	if (bytes > sizeof(in))
		return 0;
	memcpy(&sqe, data, size - bytes);
	/* A short input is padded, else hardly one would have the right length. */
	memset(in, 0, sizeof(in));
	memcpy(in, data + size - bytes, bytes);
	if (bytes < sizeof(struct nvmf_connect_data))
		bytes = sizeof(struct nvmf_connect_data);
	memset(&connect, 0xa5, sizeof(connect));
	status = np_connect_parse(&sqe, in, (uint32_t)bytes, &connect, &fault);
	if (!np_status_is_ok(status)) {
		/* The fault lies in what was sent. */
		require(fault.offset < (fault.in_data ? 1024 : sizeof(sqe)));
		return 0;
	}
	require(connect.entries >= NP_MIN_QUEUE_DEPTH && connect.entries <= NP_MAX_QUEUE_DEPTH);
	require(connect.subnqn[0] && memchr(connect.subnqn, 0, sizeof(connect.subnqn)));
	require(connect.hostnqn[0] && memchr(connect.hostnqn, 0, sizeof(connect.hostnqn)));
	return 0;
}
