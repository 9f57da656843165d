// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_auth.c - any bytes as a host's messages of DH-HMAC-CHAP: each begins with its length, and after each the
 *               controller is asked what it has to say. Nobody proves anything that way.
 *
 * Depends: libFuzzer.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target/nvme/auth_dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): that is empty in the default build type. */
static void require(int is_so)
{
	if (!is_so)
		abort();
}

static void say(struct np_auth_dialog *dialog)
{
	static uint8_t said[NP_AUTH_MESSAGE_MAX];
	const uint8_t id = NP_AUTH_ID_SUCCESS1;

	require(np_auth_dialog_say(dialog, said, sizeof(said)));
	require(said[1] != id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct np_auth_host host = {.secret = {.hash = 1, .bytes = 32, .value = {1}},
		.ctrl_secret = {.bytes = 48},
		.hash = NP_CHAP_SHA256};
	struct np_auth_dialog dialog = {.hostnqn = "nqn.2024-01.x:h", .subnqn = "nqn.2024-01.x:s"};

	while (size > 2) {
		const size_t wanted = data[0] | (size_t)(data[1] & 0x0f) << 8;
		const size_t bytes = wanted < size - 2 ? wanted : size - 2;
		/* Of its own, so that reading beyond it is seen. */
		uint8_t *message = malloc(bytes ? bytes : 1);

		memcpy(message, data + 2, bytes);
		np_auth_dialog_hear(&dialog, &host, message, (uint32_t)bytes);
		free(message);
		require(dialog.step != NP_AUTH_DONE);
		if (data[1] & 0x80)
			say(&dialog);
		data += 2 + bytes;
		size -= 2 + bytes;
	}
	np_auth_dialog_reset(&dialog);
	return 0;
}
