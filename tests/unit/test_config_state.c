// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_config_state.c - files that outlive the process.
 *
 * Depends: config/state.h, a writable /tmp.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/state.h"

static const uint8_t owner[16] = {0xab, 0xcd};

struct folder {
	char dir[64], path[256], why[256];
	struct np_state state;
};

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->dir, sizeof(folder->dir), "/tmp/np-state-XXXXXX");
	assert_non_null(mkdtemp(folder->dir));
	np_state_open(&folder->state, folder->dir);
	np_state_path(&folder->state, "thing", owner, folder->path, sizeof(folder->path));
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	unlink(folder->path);
	chmod(folder->dir, 0700);
	assert_int_equal(rmdir(folder->dir), 0);
	free(folder);
	return 0;
}

static void test_np_state__keeps_and_forgets(void **state)
{
	struct folder *folder = *state;
	char want[256];
	json_t *root;

	assert_true(folder->state.can_keep);
	snprintf(want, sizeof(want), "%s/thing-abcd0000000000000000000000000000.json", folder->dir);
	assert_string_equal(folder->path, want);
	assert_int_equal(np_state_get(folder->path, &root, folder->why, sizeof(folder->why)), 0);
	assert_null(root);
	for (int value = 1; value < 3; value++) {
		assert_int_equal(np_state_put(&folder->state, folder->path,
					 json_pack("{s:i}", "value", value)),
			0);
		assert_int_equal(
			np_state_get(folder->path, &root, folder->why, sizeof(folder->why)), 0);
		assert_int_equal(json_integer_value(json_object_get(root, "value")), value);
		json_decref(root);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(np_state_remove(&folder->state, folder->path), 0);
	assert_int_equal(np_state_get(folder->path, &root, folder->why, sizeof(folder->why)), 0);
	assert_null(root);
}

static void test_np_state__says_what_it_cannot_read(void **state)
{
	struct folder *folder = *state;
	FILE *file = fopen(folder->path, "w");
	json_t *root;

	fputs("{\"value\": ", file);
	fclose(file);
	assert_int_equal(
		np_state_get(folder->path, &root, folder->why, sizeof(folder->why)), -EINVAL);
	assert_non_null(strstr(folder->why, "cannot be read"));
}

/* The old file stays where the new one cannot be written. */
static void test_np_state__fails_without_harm(void **state)
{
	struct folder *folder = *state;
	char beside[300];
	json_t *root;

	assert_int_equal(
		np_state_put(&folder->state, folder->path, json_pack("{s:i}", "value", 7)), 0);
	/* A folder in the place of the file that is written first: that works for root, too. */
	snprintf(beside, sizeof(beside), "%s.new", folder->path);
	assert_int_equal(mkdir(beside, 0700), 0);
	assert_true(np_state_put(&folder->state, folder->path, json_pack("{s:i}", "value", 8)) < 0);
	assert_int_equal(rmdir(beside), 0);
	assert_int_equal(np_state_get(folder->path, &root, folder->why, sizeof(folder->why)), 0);
	assert_int_equal(json_integer_value(json_object_get(root, "value")), 7);
	json_decref(root);
	assert_int_equal(np_state_put(&folder->state, folder->path, NULL), -ENOMEM);
}

static void test_np_state_open__without_a_folder(void **state)
{
	struct np_state none;

	(void)state;
	np_state_open(&none, "/proc/none");
	assert_false(none.can_keep);
	/* Nothing can be kept where there is no folder, so nothing is unknown. */
	assert_string_equal(none.unknown, "");
	/* A file in its place: nobody knows what was there. */
	np_state_open(&none, "/dev/null");
	assert_false(none.can_keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_np_state__keeps_and_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_np_state__says_what_it_cannot_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_np_state__fails_without_harm, setup, teardown),
		cmocka_unit_test(test_np_state_open__without_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
