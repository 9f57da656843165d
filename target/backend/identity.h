/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity.h - by which names a drive itself knows a namespace.
 *
 * Hosts know a namespace again by them, so they are the same whatever engine serves it.
 *
 * Thread: control.
 * Depends: backend.h, libnvme.
 */
#ifndef NP_BACKEND_IDENTITY_H
#define NP_BACKEND_IDENTITY_H

#include "target/backend/backend.h"

/**
 * np_identity_read() - fill in backend->uuid, nguid and eui64 as far as the drive has them
 * @fd: of the namespace's generic or block device, or of its controller
 * @nsid: the drive's own number for it
 *
 * Spec: NVM Express Base 2.0, 5.17.2.3 (Namespace Identification Descriptor list).
 */
void np_identity_read(int fd, uint32_t nsid, struct np_backend *backend);

#endif
