/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One file descriptor beside the bytes of a Unix stream socket, for daemon and CLI.
 *
 * Thread: that of the caller.
 * Depends: libc. Spec: unix(7), SCM_RIGHTS.
 */
#ifndef NP_CONFIG_RPC_FD_H
#define NP_CONFIG_RPC_FD_H

#include <stddef.h>
#include <sys/types.h>

/**
 * np_rpc_recv() - receive bytes, and a descriptor if one came with them
 * @fd: not blocked on
 * @io_passed: -1, or a descriptor that was received before: then another one is refused
 *
 * Of several that come only the first is kept, the others are closed.
 * Return: as recv(2).
 */
ssize_t np_rpc_recv(int fd, void *buf, size_t size, int *io_passed);

/**
 * np_rpc_send_with() - send bytes, with a descriptor beside the first of them
 * @passed: stays the caller's
 *
 * Return: as send(2).
 */
ssize_t np_rpc_send_with(int fd, const void *buf, size_t len, int passed);

#endif
