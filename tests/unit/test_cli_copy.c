// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_cli_copy.c - nvmet-p2p-cli copy as it is run, between files and through host memory.
 *
 * Depends: the executable, jansson, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "need_uring.h"
#include <cmocka.h>
#include <jansson.h>

#define OUTPUT_MAX 4096
#define SRC_BYTES (300u * 4096u)
#define DST_BYTES (400u * 4096u)

/* Two files, removed at the end. */
struct scene {
	char src[64], dst[64];
	int src_fd, dst_fd;
	uint8_t *data, *seen; /* DST_BYTES each */
};

static int make_file(char *path, size_t size, const uint8_t *data, size_t bytes)
{
	int fd;

	/* On a disk: direct I/O is refused by tmpfs before Linux 6.6. */
	snprintf(path, size, "/var/tmp/np-test-copy-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	return fd;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->data = calloc(1, DST_BYTES);
	scene->seen = calloc(1, DST_BYTES);
	scene->dst_fd = make_file(scene->dst, sizeof(scene->dst), scene->data, DST_BYTES);
	for (uint32_t i = 0; i < SRC_BYTES; i++)
		scene->data[i] = (uint8_t)(i * 7 + i / 512);
	scene->src_fd = make_file(scene->src, sizeof(scene->src), scene->data, SRC_BYTES);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	close(scene->src_fd);
	close(scene->dst_fd);
	unlink(scene->src);
	unlink(scene->dst);
	free(scene->data);
	free(scene->seen);
	free(scene);
	return 0;
}

/* What it prints on both streams goes to @output. Return: exit status. */
static int run_copy(char *output, const char *src, const char *dst, const char *options)
{
	char command[512];
	size_t used;
	FILE *in;
	int status;

	snprintf(command, sizeof(command), "%s/nvmet-p2p-cli copy %s %s %s 2>&1", NP_TEST_BIN, src,
		dst, options);
	in = popen(command, "r");
	assert_non_null(in);
	used = fread(output, 1, OUTPUT_MAX - 1, in);
	output[used] = '\0';
	status = pclose(in);
	assert_true(WIFEXITED(status));
	if (strstr(output, "no ring") || strstr(output, "cannot begin: Function not implemented"))
		skip(); /* io_uring is switched off here */
	return WEXITSTATUS(status);
}

/* DST begins with @bytes of SRC, and behind them is as it was. */
static void assert_copied(struct scene *scene, uint32_t bytes)
{
	assert_int_equal(pread(scene->dst_fd, scene->seen, DST_BYTES, 0), DST_BYTES);
	assert_memory_equal(scene->seen, scene->data, bytes);
	for (uint32_t i = bytes; i < DST_BYTES; i++)
		assert_int_equal(scene->seen[i], 0);
}

static void test_copy__copies_the_smaller_of_both(void **state)
{
	struct scene *scene = *state;
	char output[OUTPUT_MAX];

	assert_int_equal(run_copy(output, scene->src, scene->dst, "--via host --yes"), 0);
	assert_copied(scene, SRC_BYTES);
	assert_non_null(strstr(output, "through   host"));
	assert_non_null(strstr(output, "copied    1228800 bytes in "));
	assert_non_null(strstr(output, "verify    not asked for\n"));
}

static void test_copy__copies_and_verifies_what_was_asked_for(void **state)
{
	struct scene *scene = *state;
	char output[OUTPUT_MAX];
	json_t *json;

	assert_int_equal(
		run_copy(output, scene->src, scene->dst,
			"--via host --yes --verify --json --size 1020K --block 12K --depth 70"),
		0);
	assert_copied(scene, 1020 * 1024);
	json = json_loads(output, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "bytes")), 1020 * 1024);
	assert_int_equal(json_integer_value(json_object_get(json, "block_bytes")), 12288);
	assert_int_equal(json_integer_value(json_object_get(json, "depth")), 70);
	assert_int_equal(json_integer_value(json_object_get(json, "different_bytes")), 0);
	assert_true(json_real_value(json_object_get(json, "mb_per_s")) > 0);
	assert_string_equal(json_string_value(json_object_get(json, "result")), "copied");
	assert_string_equal(json_string_value(json_object_get(json, "verify")), "equal");
	json_decref(json);
}

static void test_copy__refuses_and_leaves_all_as_it_was(void **state)
{
	static const struct {
		const char *options, *says;
	} cases[] = {
		{"--via host", "would be overwritten: say --yes"},
		{"--yes", "copy needs --via"},
		{"--via host --yes third", "copy needs SRC and DST"},
		{"--via host --yes --size 2M", "DST has only 1638400 bytes, fewer than 2097152"},
		{"--via host --yes --size 100", "100 bytes are no whole number of blocks of 512"},
		{"--via host --yes --size 1X", "no number: \"1X\""},
		{"--via host --yes --depth 257", "too large: \"257\""},
		{"--via host --yes --block 2M", "one command takes 1048576 at most"},
		{"--via ffff:ff:1f.7 --yes", "there is no PCI device ffff:ff:1f.7"},
		{"--via ../.. --yes", "no PCI address"},
		{"--via /dev/null --yes", "/dev/null is not a dax device"},
	};
	struct scene *scene = *state;
	char output[OUTPUT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run_copy(output, scene->src, scene->dst, cases[i].options), 2);
		if (!strstr(output, cases[i].says))
			fail_msg("%s: %s", cases[i].options, output);
	}
	assert_copied(scene, 0);
}

static void test_copy__refuses_a_dst_that_is_another_s(void **state)
{
	struct scene *scene = *state;
	char output[OUTPUT_MAX], link[80];

	snprintf(link, sizeof(link), "%s.link", scene->dst);
	assert_int_equal(symlink(scene->src, link), 0);
	assert_int_equal(run_copy(output, scene->src, link, "--via host --yes"), 2);
	assert_non_null(strstr(output, "is the source as well"));
	unlink(link);
	assert_int_equal(flock(scene->dst_fd, LOCK_EX), 0);
	assert_int_equal(run_copy(output, scene->src, scene->dst, "--via host --yes"), 2);
	assert_non_null(strstr(output, "in use"));
	assert_int_equal(flock(scene->dst_fd, LOCK_UN), 0);
	assert_int_equal(run_copy(output, scene->src, "/nonexistent/dst", "--via host --yes"), 2);
	assert_int_equal(run_copy(output, scene->src, "/dev/null", "--via host --yes"), 2);
	assert_copied(scene, 0);
}

#define COPY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COPY_TEST(test_copy__copies_the_smaller_of_both),
		COPY_TEST(test_copy__copies_and_verifies_what_was_asked_for),
		COPY_TEST(test_copy__refuses_and_leaves_all_as_it_was),
		COPY_TEST(test_copy__refuses_a_dst_that_is_another_s),
	};

	need_uring();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
