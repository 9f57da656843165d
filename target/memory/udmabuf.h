/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * udmabuf.h - host memory as a dma-buf.
 *
 * Thread: any that may block.
 * Depends: libc.
 */
#ifndef NP_MEMORY_UDMABUF_H
#define NP_MEMORY_UDMABUF_H

#include <stddef.h>

/* What the kernel's module parameter size_limit_mb allows unless it is set. */
#define NP_UDMABUF_DEFAULT_BYTES (64u * 1024u * 1024u)

/**
 * np_udmabuf_new() - make a dma-buf of new host memory
 * @bytes: a multiple of the page size
 * @ret_fd: the dma-buf
 * @ret_memfd: the memory file that its pages are of
 *
 * Both are to be closed. A mapping of the dma-buf has no pages that direct I/O could take hold of
 * (VM_PFNMAP), a mapping of the memory file has.
 * Source: Linux 7.2, drivers/dma-buf/udmabuf.c, mmap_udmabuf(), udmabuf_create().
 * Return: 0; -errno, of /dev/udmabuf -ENOENT without CONFIG_UDMABUF, -EINVAL over its size limit.
 */
int np_udmabuf_new(size_t bytes, int *ret_fd, int *ret_memfd);

#endif
