// SPDX-License-Identifier: BSD-3-Clause
/*
 * identity.c - the Namespace Identification Descriptor list.
 *
 * Thread: control.
 * Depends: backend.h, libnvme.
 */
#include "target/backend/identity.h"

#include <libnvme.h>
#include <string.h>

static void np_identity_take(
	struct np_backend *backend, uint8_t type, const uint8_t *id, size_t len)
{
	if (type == NVME_NIDT_UUID && len == sizeof(backend->uuid))
		memcpy(backend->uuid, id, len);
	else if (type == NVME_NIDT_NGUID && len == sizeof(backend->nguid))
		memcpy(backend->nguid, id, len);
	else if (type == NVME_NIDT_EUI64 && len == sizeof(backend->eui64))
		memcpy(backend->eui64, id, len);
}

/* Each descriptor: type, length, two reserved bytes, identifier. They lie at any alignment. */
void np_identity_read(int fd, uint32_t nsid, struct np_backend *backend)
{
	const size_t header = sizeof(struct nvme_ns_id_desc);
	union {
		uint8_t bytes[NVME_IDENTIFY_DATA_SIZE];
		struct nvme_ns_id_desc first;
	} list = {0};
	size_t len;

	if (nvme_identify_ns_descs(fd, nsid, &list.first))
		return;
	for (size_t at = 0; at + header < sizeof(list.bytes); at += header + len) {
		len = list.bytes[at + 1];
		if (!len || at + header + len > sizeof(list.bytes))
			break;
		np_identity_take(backend, list.bytes[at], list.bytes + at + header, len);
	}
}
