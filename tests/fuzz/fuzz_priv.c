// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_priv.c - private data of connection requests: what is accepted is in range.
 *
 * Depends: priv.h.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "transport/rdma/priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_priv priv;

	if (np_priv_parse(data, size, 128, 2, 1024, &priv) != NP_CM_OK)
		return 0;
	if (priv.qid > 128 || priv.depth < 2 || priv.depth > 1024)
		abort();
	return 0;
}
