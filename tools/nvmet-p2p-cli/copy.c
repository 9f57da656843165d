// SPDX-License-Identifier: BSD-3-Clause
/*
 * nvmet-p2p-cli copy SRC DST --via PROVIDER: from drive to drive through the memory of a device.
 *
 * Needs no daemon. Destroys what is on DST, so DST must be nobody's.
 *
 * Thread: the only one.
 * Depends: cli.h, copy_job.h, target/backend, target/memory.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/text.h"
#include "target/backend/drive.h"
#include "target/memory/mem.h"
#include "tools/nvmet-p2p-cli/cli.h"
#include "tools/nvmet-p2p-cli/copy_job.h"
#include "tools/nvmet-p2p-cli/table.h"

#define WHY_BYTES 256

struct copy {
	const char *src_path, *dst_path, *via;
	struct np_copy_wish wish;
	bool wants_help, wants_verify, may_destroy;

	struct np_mem mem;
	struct np_mem_region *region;
	struct np_copy_job job;

	uint64_t us;
	bool has_failed, is_compared;
	struct np_copy_difference difference;
	char why[WHY_BYTES]; /* what was refused or has failed */
};

static void print_help(void)
{
	puts("Usage: nvmet-p2p-cli copy SRC DST --via PROVIDER --yes [OPTIONS]\n\n"
	     "Copies from SRC to DST, block devices, NVMe generic devices or files, through the\n"
	     "memory of a device. What was on DST is lost.\n\n"
	     "  --via PROVIDER   PCI address of a CMB, such as 0000:01:00.0; a dax device, such "
	     "as\n"
	     "                   /dev/dax0.0, of which the beginning is lost; \"udmabuf\"; "
	     "\"host\"\n"
	     "  --size SIZE      bytes, K, M, G (default: the smaller of both, at most 1G)\n"
	     "  --block SIZE     of one read and write (default 128K)\n"
	     "  --depth N        how many of them at the same time (default 8)\n"
	     "  --verify         first fill DST with other bytes, and compare it with SRC at the "
	     "end,\n"
	     "                   both through host memory\n"
	     "  --yes            DST, and a dax device, may be overwritten\n"
	     "  --json           print the report as JSON\n\n"
	     "Exit status: 0 copied (and equal), 1 failed or not equal, 2 refused.");
}

/* ---- what is asked for ---------------------------------------------------------------------- */

/* Return: NP_CLI_OK, or NP_CLI_US with a message on standard error. */
static int take_number(struct copy *copy, int opt)
{
	uint64_t value;

	if (np_copy_parse_bytes(optarg, &value))
		return np_cli_usage("no number:", optarg);
	if (opt == 'S') {
		copy->wish.bytes = value;
		return NP_CLI_OK;
	}
	if (opt == 'D' ? value > NP_COPY_DEPTH_MAX : value > UINT32_MAX)
		return np_cli_usage("too large:", optarg);
	*(opt == 'D' ? &copy->wish.depth : &copy->wish.chunk_bytes) = (uint32_t)value;
	return NP_CLI_OK;
}

static int take_option(struct np_cli *cli, struct copy *copy, int opt)
{
	switch (opt) {
	case 'v':
		copy->via = optarg;
		return NP_CLI_OK;
	case 'S':
	case 'B':
	case 'D':
		return take_number(copy, opt);
	case 'c':
		copy->wants_verify = true;
		return NP_CLI_OK;
	case 'y':
		copy->may_destroy = true;
		return NP_CLI_OK;
	default:
		return np_cli_option(cli, opt);
	}
}

static int take_arguments(struct np_cli *cli, struct copy *copy, int argc, char **argv)
{
	static const struct option options[] = {NP_CLI_LONG, {"via", required_argument, NULL, 'v'},
		{"size", required_argument, NULL, 'S'}, {"block", required_argument, NULL, 'B'},
		{"depth", required_argument, NULL, 'D'}, {"verify", no_argument, NULL, 'c'},
		{"yes", no_argument, NULL, 'y'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int opt, ret;

	while ((opt = getopt_long(argc, argv, NP_CLI_SHORT "h", options, NULL)) != -1) {
		if (opt == 'h') {
			copy->wants_help = true;
			return NP_CLI_OK;
		}
		ret = take_option(cli, copy, opt);
		if (ret)
			return ret;
	}
	if (argc - optind != 2)
		return np_cli_usage("copy needs SRC and DST", NULL);
	if (!copy->via)
		return np_cli_usage("copy needs --via, the memory to copy through", NULL);
	copy->src_path = argv[optind];
	copy->dst_path = argv[optind + 1];
	return NP_CLI_OK;
}

/* ---- who they are, and whether they may be used ------------------------------------------- */

static int refuse(struct copy *copy, const char *what, const char *path)
{
	snprintf(copy->why, sizeof(copy->why), "%.128s %s", path, what);
	return -EPERM;
}

/* A generic device alone does not know who else uses the drive. */
static bool can_be_held(const char *path)
{
	struct np_drive drive;
	struct stat st;

	assert(path); /* the arguments were counted */
	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return true;
	return !np_drive_probe(path, &drive) && drive.block_path[0];
}

static int open_end(struct copy *copy, const char *path, struct np_backend **ret_backend)
{
	const struct np_backend_ops *ops = &np_backend_block_ops;
	struct stat st;

	if (strlen(path) >= sizeof((*ret_backend)->path)) /* it would be cut */
		return refuse(copy, "is too long a path", path);
	if (!stat(path, &st) && S_ISREG(st.st_mode))
		ops = &np_backend_file_ops;
	else if (!stat(path, &st) && S_ISCHR(st.st_mode))
		ops = &np_backend_nvme_ops;
	return np_backend_open(ops, path, 0, copy->why, sizeof(copy->why), ret_backend);
}

/* Both are held: a source that somebody writes to would not compare equal. */
static int open_ends(struct copy *copy)
{
	int ret;

	if (!can_be_held(copy->dst_path))
		return refuse(copy, "has no block device that tells who uses it", copy->dst_path);
	ret = open_end(copy, copy->src_path, &copy->job.src);
	if (!ret)
		ret = open_end(copy, copy->dst_path, &copy->job.dst);
	/* Whatever their names: one drive, its generic device, and one file are held once. */
	if (!ret && copy->job.src->hold == copy->job.dst->hold)
		ret = refuse(copy, "is the source as well", copy->dst_path);
	if (!ret && !copy->may_destroy)
		ret = refuse(copy, "would be overwritten: say --yes", copy->dst_path);
	return ret;
}

static struct np_copy_end end_of(const struct np_backend *backend)
{
	return (struct np_copy_end){backend->nblocks * backend->block_bytes, backend->block_bytes,
		backend->max_io_bytes};
}

/*
 * What --via names: @ret_ops, and where in @want; @pci is room for an address.
 * Return: 0, or -EINVAL with a sentence in copy->why.
 */
static int find_provider(struct copy *copy, char pci[NP_CFG_TEXT_MAX],
	const struct np_mem_ops **ret_ops, struct np_mem_want *want)
{
	struct np_cfg_pci address;

	want->where = copy->via;
	if (!strcmp(copy->via, "host")) {
		*ret_ops = &np_mem_host_ops;
	} else if (!strcmp(copy->via, "udmabuf")) {
		*ret_ops = &np_mem_dmabuf_ops;
		want->label = copy->via;
	} else if (copy->via[0] == '/') {
		*ret_ops = &np_mem_dax_ops;
	} else if (!np_cfg_parse_pci(copy->via, &address)) {
		*ret_ops = &np_mem_cmb_ops;
		np_cfg_format_pci(&address, pci, NP_CFG_TEXT_MAX);
		want->where = pci;
	} else {
		snprintf(copy->why, sizeof(copy->why),
			"\"%.64s\" is no PCI address, no path of a dax device, not \"udmabuf\" and "
			"not \"host\"",
			copy->via);
		return -EINVAL;
	}
	return 0;
}

static int open_memory(struct copy *copy)
{
	struct np_copy_plan *plan = &copy->job.plan;
	struct np_mem_want want = {.numa_node = -1, .fd = -1};
	const struct np_mem_ops *ops;
	struct np_mem_region *region;
	char pci[NP_CFG_TEXT_MAX];
	int ret = find_provider(copy, pci, &ops, &want);

	if (ret)
		return ret;
	want.bytes = np_copy_stride_bytes(plan) * plan->depth;
	ret = np_mem_open(&copy->mem, ops, &want, 1, copy->why, sizeof(copy->why), &region);
	if (ret)
		return ret;
	/* The pool's part, which nobody else takes from. */
	ret = np_copy_fit(plan, (size_t)((uint8_t *)region->scratch - (uint8_t *)region->va));
	if (ret)
		snprintf(copy->why, sizeof(copy->why), "%s has no room for %u bytes", region->name,
			plan->chunk_bytes);
	copy->region = region;
	copy->job.memory = region->va;
	return ret;
}

/* Return: 0, or -errno with a sentence in copy->why: nothing has been written then. */
static int prepare(struct copy *copy)
{
	struct np_copy_end src, dst;
	int ret = open_ends(copy);

	if (ret)
		return ret;
	src = end_of(copy->job.src);
	dst = end_of(copy->job.dst);
	ret = np_copy_plan(&copy->wish, &src, &dst, &copy->job.plan, copy->why, sizeof(copy->why));
	return ret ? ret : open_memory(copy);
}

/* ---- the report ----------------------------------------------------------------------------- */

static json_t *report_end(const struct np_backend *backend)
{
	return json_pack("{s:s, s:s, s:b}", "path", backend->path, "engine", backend->ops->name,
		"direct", backend->is_direct);
}

static const char *verdict(const struct copy *copy)
{
	if (!copy->wants_verify)
		return "not asked for";
	if (!copy->is_compared)
		return "not done";
	return copy->difference.bytes ? "different" : "equal";
}

/* Return: NULL without memory, or if a path is no UTF-8. */
static json_t *report(const struct copy *copy)
{
	const struct np_copy_plan *plan = &copy->job.plan;
	const double us = copy->us ? (double)copy->us : 1.0;
	json_t *result = json_pack("{s:s, s:o, s:o, s:s, s:b, s:I, s:i, s:i, s:f, s:f, s:s}",
		"result", copy->has_failed ? "failed" : "copied", "src", report_end(copy->job.src),
		"dst", report_end(copy->job.dst), "memory", copy->region->name, "peer",
		copy->region->is_peer, "bytes", (json_int_t)plan->bytes, "block_bytes",
		(int)plan->chunk_bytes, "depth", (int)plan->depth, "seconds", us / 1e6, "mb_per_s",
		copy->has_failed ? 0.0 : (double)plan->bytes / us, "verify", verdict(copy));

	if (!result)
		return NULL;
	if (copy->why[0])
		json_object_set_new(result, "error", json_string(copy->why));
	if (copy->is_compared)
		json_object_set_new(result, "different_bytes",
			json_integer((json_int_t)copy->difference.bytes));
	if (copy->difference.bytes)
		json_object_set_new(result, "first_difference",
			json_integer((json_int_t)copy->difference.first_offset));
	return result;
}

static void print_end(const char *label, json_t *end, FILE *out)
{
	char *path = np_table_printable(np_json_text(end, "path"));

	fprintf(out, "%-9s %s, engine %s%s\n", label, path, np_json_text(end, "engine"),
		json_is_true(json_object_get(end, "direct")) ? "" : " (the CPU copies)");
	free(path);
}

static json_int_t number(json_t *result, const char *key)
{
	return json_integer_value(json_object_get(result, key));
}

static void print_report(json_t *result, FILE *out)
{
	const bool has_failed = !strcmp(np_json_text(result, "result"), "failed");

	print_end("from", json_object_get(result, "src"), out);
	print_end("to", json_object_get(result, "dst"), out);
	fprintf(out, "%-9s %s, %lld x %lld bytes\n", "through", np_json_text(result, "memory"),
		(long long)number(result, "depth"), (long long)number(result, "block_bytes"));
	if (has_failed)
		fprintf(out, "%-9s %s\n", "FAILED", np_json_text(result, "error"));
	else
		fprintf(out, "%-9s %lld bytes in %.3f s, %.1f MB/s\n", "copied",
			(long long)number(result, "bytes"),
			json_real_value(json_object_get(result, "seconds")),
			json_real_value(json_object_get(result, "mb_per_s")));
	if (number(result, "different_bytes"))
		fprintf(out, "%-9s DIFFERENT: %lld bytes, the first at offset %lld\n", "verify",
			(long long)number(result, "different_bytes"),
			(long long)number(result, "first_difference"));
	else
		fprintf(out, "%-9s %s\n", "verify", np_json_text(result, "verify"));
}

/* ---- the command ---------------------------------------------------------------------------- */

/* Return: 0, or -errno with a sentence in copy->why. */
static int carry_out(struct copy *copy)
{
	int ret = 0;

	if (copy->wants_verify)
		ret = np_copy_spoil(&copy->job, copy->why, sizeof(copy->why));
	if (!ret)
		ret = np_copy_move(&copy->job, &copy->us, copy->why, sizeof(copy->why));
	if (!ret && copy->wants_verify) {
		ret = np_copy_compare(&copy->job, &copy->difference, copy->why, sizeof(copy->why));
		copy->is_compared = !ret;
	}
	copy->has_failed = ret != 0;
	return ret;
}

static int run(const struct np_cli *cli, struct copy *copy)
{
	json_t *result;
	int ret;

	if (prepare(copy)) {
		fprintf(stderr, "nvmet-p2p-cli: copy refused: %s\n", copy->why);
		return NP_CLI_US;
	}
	carry_out(copy);
	result = report(copy);
	if (result)
		ret = np_cli_show(cli, result, print_report);
	else
		ret = np_cli_usage("the report cannot be made:", copy->why);
	json_decref(result);
	return copy->has_failed || copy->difference.bytes ? NP_CLI_WRONG : ret;
}

int np_cli_run_copy(struct np_cli *cli, int argc, char **argv)
{
	struct copy copy = {0};
	int ret = take_arguments(cli, &copy, argc, argv);

	if (ret)
		return ret;
	if (copy.wants_help) {
		print_help();
		return NP_CLI_OK;
	}
	ret = run(cli, &copy);
	np_mem_close_all(&copy.mem);
	np_backend_close(copy.job.dst);
	np_backend_close(copy.job.src);
	return ret;
}
