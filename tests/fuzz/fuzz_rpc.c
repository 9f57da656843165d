// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any bytes on the control socket, in portions that the first byte chooses: each frame is
 * answered with one line or refused, as daemon and as CLI.
 *
 * Thread: one.
 * Depends: config/rpc_proto.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/rpc_proto.h"

#define FRAME_MAX 512

static void expect_line(char *text)
{
	if (!text || strchr(text, '\n') != text + strlen(text) - 1)
		abort();
	free(text);
}

static void take_frame(const char *frame, size_t len)
{
	struct np_rpc_request request;
	struct np_rpc_error error;
	struct np_rpc_reply reply;

	if (len == 0 || len > FRAME_MAX || memchr(frame, '\n', len))
		abort();
	if (np_rpc_parse_request(frame, len, &request, &error) == 0)
		expect_line(np_rpc_format_result(request.id, request.params));
	else
		expect_line(np_rpc_format_error(request.id, &error));
	np_rpc_request_fini(&request);
	if (np_rpc_parse_reply(frame, len, &reply) == 0)
		np_rpc_reply_fini(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct np_rpc_decoder decoder;
	size_t step = size ? data[0] % 64 + 1 : 1;
	int err = 0;

	np_rpc_decoder_init(&decoder, FRAME_MAX);
	for (size_t at = 1; at < size && err == 0; at += step) {
		const char *frame;
		size_t len;

		if (np_rpc_decoder_feed(&decoder, data + at, size - at < step ? size - at : step))
			abort();
		while ((err = np_rpc_decoder_next(&decoder, &frame, &len)) > 0)
			take_frame(frame, len);
	}
	np_rpc_decoder_fini(&decoder);
	return 0;
}
