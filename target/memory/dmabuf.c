// SPDX-License-Identifier: BSD-3-Clause
/*
 * dmabuf.c - memory of any exporter of dma-bufs.
 *
 * An RNIC gets it by its descriptor (ibv_reg_dmabuf_mr), a drive by the addresses where it is mapped:
 * the kernel's drivers of drives take no dma-buf. So it must be mappable, and whether its mapping
 * will do for a drive is up to the self-tests.
 *
 * Thread: control.
 * Depends: mem.h, udmabuf.h, procfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/memory/mem.h"
#include "target/memory/udmabuf.h"

/* ---- who exports it ----------------------------------------------------------------------- */

/* Makes a dma-buf of @bytes; @ret_map_fd, which is to be closed too, is what to map. */
struct np_dmabuf_exporter {
	const char *name;
	size_t default_bytes;
	int (*make)(size_t bytes, int *ret_fd, int *ret_map_fd);
	const char *hint; /* where it fails */
};

static const struct np_dmabuf_exporter np_dmabuf_exporters[] = {
	{"udmabuf", NP_UDMABUF_DEFAULT_BYTES, np_udmabuf_new,
		"CONFIG_UDMABUF; its module parameter size_limit_mb"},
};

/*
 * Whose memory is a device's and never host DRAM, by the name that the kernel knows the exporter by.
 * Linux 7.2, drivers/vfio/pci/vfio_pci_dmabuf.c: BARs. Not tried: that one cannot be mapped yet. A
 * GPU's driver ("drm") may have its buffers in either.
 */
static const char *const np_dmabuf_device_exporters[] = {"vfio_pci_core"};

/*
 * The exporter of @fd. Source: Linux 7.2, drivers/dma-buf/dma-buf.c, dma_buf_show_fdinfo().
 * Return: 0; -EINVAL if it is no dma-buf.
 */
static int np_dmabuf_read_exporter(int fd, char ret_name[32])
{
	char path[64], line[128];
	int ret = -EINVAL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (ret && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "exp_name: %31s", ret_name) == 1)
			ret = 0;
	}
	fclose(f);
	return ret;
}

static bool np_dmabuf_is_of_device(const char *exporter)
{
	const size_t n = sizeof(np_dmabuf_device_exporters) / sizeof(char *);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(exporter, np_dmabuf_device_exporters[i]))
			return true;
	}
	return false;
}

/* ---- the provider ------------------------------------------------------------------------- */

static int np_dmabuf_map(struct np_mem_region *region, int fd, size_t wanted_bytes, int map_fd,
	char *why, size_t why_size)
{
	off_t bytes = lseek(fd, 0, SEEK_END);
	char exporter[32];
	int ret = np_dmabuf_read_exporter(fd, exporter);

	if (ret || bytes < 0) {
		snprintf(why, why_size, "the descriptor is no dma-buf");
		return -EINVAL;
	}
	region->device_bytes = (size_t)bytes;
	region->bytes = (size_t)bytes / NP_PAGE_BYTES * NP_PAGE_BYTES;
	if (wanted_bytes && wanted_bytes < region->bytes)
		region->bytes = wanted_bytes;
	region->va = mmap(NULL, region->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (region->va == MAP_FAILED) {
		ret = -errno;
		region->va = NULL;
		snprintf(why, why_size,
			"the dma-buf of %s cannot be mapped, which a drive needs: %s", exporter,
			strerror(-ret));
		return ret;
	}
	region->is_peer = np_dmabuf_is_of_device(exporter);
	snprintf(region->name, sizeof(region->name), "dmabuf %.20s (%.31s)", region->label,
		exporter);
	return 0;
}

/* Makes what is not given. Return: 0 or -errno with a sentence in @why. */
static int np_dmabuf_make(
	const struct np_mem_want *want, int *ret_fd, int *ret_map_fd, char *why, size_t why_size)
{
	const size_t n = sizeof(np_dmabuf_exporters) / sizeof(np_dmabuf_exporters[0]);

	for (size_t i = 0; i < n && want->where; i++) {
		const struct np_dmabuf_exporter *exporter = &np_dmabuf_exporters[i];
		size_t bytes = want->bytes ? want->bytes : exporter->default_bytes;
		int ret;

		if (strcmp(exporter->name, want->where) != 0)
			continue;
		ret = exporter->make(bytes, ret_fd, ret_map_fd);
		if (ret)
			snprintf(why, why_size, "%s gives no %zu bytes: %s (%s)", exporter->name,
				bytes, strerror(-ret), exporter->hint);
		return ret;
	}
	snprintf(why, why_size, "no dma-buf has come for it yet");
	return -ENOENT;
}

static int np_dmabuf_open(
	struct np_mem_region *region, const struct np_mem_want *want, char *why, size_t why_size)
{
	int fd, map_fd = -1, ret = 0;

	if (want->fd < 0) {
		ret = np_dmabuf_make(want, &fd, &map_fd, why, why_size);
	} else {
		fd = fcntl(want->fd, F_DUPFD_CLOEXEC, 0);
		ret = fd < 0 ? -errno : 0;
		snprintf(why, why_size, "no descriptor is left");
	}
	if (ret)
		return ret;
	ret = np_dmabuf_map(region, fd, want->bytes, map_fd < 0 ? fd : map_fd, why, why_size);
	if (map_fd >= 0)
		close(map_fd);
	if (ret) {
		close(fd);
		return ret;
	}
	region->fd = fd;
	region->reg_kind = NP_MEM_REG_DMABUF;
	region->is_optional = true;
	return 0;
}

static void np_dmabuf_close(struct np_mem_region *region)
{
	munmap(region->va, region->bytes);
	close(region->fd);
}

const struct np_mem_ops np_mem_dmabuf_ops = {
	.name = "dmabuf",
	.open = np_dmabuf_open,
	.close = np_dmabuf_close,
};
