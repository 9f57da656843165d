// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of config/apply_created.c: what hosts have created, kept and read again.
 *
 * Thread: one.
 * Depends: cmocka.
 */
#include "tests/unit/config_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "config/apply_created.h"
#include "config/diff.h"

#define TEXT                                                                    \
	"{'hosts':[],'ports':[],'subsystems':[{'nqn':'nqn.2024-01.x:s','attr':" \
	"{'allow_any_host':1},'namespace_management':{'folder':'/srv/x',"       \
	"'capacity_bytes':4096},'namespaces':[{'nsid':7,'engine':'null',"       \
	"'device':{'size_bytes':4096}}]}]}"

struct kept {
	char dir[32];
	struct np_state state;
	struct config_log log;
	struct np_cfg *cfg;
	struct np_cfg_subsys *subsys;
};

static int setup(void **state)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	strcpy(kept->dir, "/tmp/np-created-XXXXXX");
	assert_non_null(mkdtemp(kept->dir));
	np_state_open(&kept->state, kept->dir);
	assert_int_equal(config_parse(TEXT, &kept->log, &kept->cfg), 0);
	kept->subsys = &kept->cfg->subsystems[0];
	*state = kept;
	return 0;
}

static int teardown(void **state)
{
	struct kept *kept = *state;
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", kept->dir);
	assert_int_equal(system(command), 0);
	np_cfg_free(kept->cfg);
	free(kept);
	return 0;
}

static struct np_cfg_ns *add(struct kept *kept, uint32_t nsid, bool is_private)
{
	const struct np_created_wish wish = {.nsid = nsid,
		.uuid = {(uint8_t)nsid, 1},
		.bytes = nsid * 4096ull,
		.ana_grpid = 2,
		.is_private = is_private};
	struct np_cfg_ns *ns = np_created_add(kept->subsys, &wish);

	assert_non_null(ns);
	return ns;
}

static void test_created__comes_back(void **state)
{
	struct kept *kept = *state;
	const struct np_cfg_ns *ns;
	struct np_cfg *again;
	char why[256];

	add(kept, 1, false);
	ns = add(kept, 2, true);
	assert_int_equal(np_created_add_host(np_created_find(kept->subsys, 1), "nqn.h1"), 0);
	assert_int_equal(np_created_add_host(np_created_find(kept->subsys, 1), "nqn.h2"), 0);
	assert_string_equal(ns->device.path, "/srv/x/02010000-0000-0000-0000-000000000000.img");
	assert_int_equal(np_created_save(&kept->state, kept->subsys), 0);

	assert_int_equal(config_parse(TEXT, &kept->log, &again), 0);
	assert_int_equal(np_created_load(&kept->state, &again->subsystems[0], why, sizeof(why)), 0);
	assert_true(np_cfg_is_equal(kept->cfg, again));
	assert_int_equal(np_created_bytes(&again->subsystems[0]), 3 * 4096);
	ns = np_created_find(&again->subsystems[0], 1);
	assert_true(np_created_has_host(ns, "nqn.h1") && np_created_has_host(ns, "nqn.h2"));
	assert_false(ns->is_private);
	assert_true(np_created_find(&again->subsystems[0], 2)->is_private);
	/* What the file lists is not created. */
	assert_null(np_created_find(&again->subsystems[0], 7));
	np_cfg_free(again);
}

static void test_created__goes(void **state)
{
	struct kept *kept = *state;
	struct np_cfg *copy;

	add(kept, 1, false);
	add(kept, 2, false);
	np_created_add_host(np_created_find(kept->subsys, 2), "nqn.h1");
	copy = np_cfg_copy(kept->cfg);
	np_created_drop(kept->subsys, 1);
	np_created_drop_host(np_created_find(kept->subsys, 2), "nqn.h1");
	assert_null(np_created_find(kept->subsys, 1));
	assert_false(np_created_has_host(np_created_find(kept->subsys, 2), "nqn.h1"));
	assert_int_equal(kept->subsys->n_namespaces, 2);
	/* A copy has what the original has lost. */
	assert_non_null(np_created_find(&copy->subsystems[0], 1));
	assert_true(np_created_has_host(np_created_find(&copy->subsystems[0], 2), "nqn.h1"));
	np_cfg_free(copy);
}

static void test_created__number_is_taken(void **state)
{
	struct kept *kept = *state;
	char why[256];

	add(kept, 1, false);
	add(kept, 7 + 1, false);
	assert_int_equal(np_created_save(&kept->state, kept->subsys), 0);
	np_created_drop(kept->subsys, 1);
	np_created_drop(kept->subsys, 7 + 1);
	kept->subsys->namespaces[0].nsid = 7 + 1;
	assert_int_equal(np_created_load(&kept->state, kept->subsys, why, sizeof(why)), -EEXIST);
	assert_string_equal(why, "a host has created a namespace 8 already");
	/* Nor is the other one there: what they have created is not known as a whole. */
	assert_int_equal(kept->subsys->n_namespaces, 1);
}

static void write_state(struct kept *kept, const char *text)
{
	char command[512];

	snprintf(
		command, sizeof(command), "for f in %s/*; do echo '%s' >$f; done", kept->dir, text);
	assert_int_equal(system(command), 0);
}

static void test_created__damaged(void **state)
{
	static const char *const texts[] = {"{", "{\"namespaces\": [{}]}",
		"{\"namespaces\": [{\"nsid\": 1, \"uuid\": \"x\", \"bytes\": 1, \"ana_grpid\": 1, "
		"\"hosts\": []}]}",
		"{\"namespaces\": [{\"nsid\": 0, \"uuid\": "
		"\"02010000-0000-0000-0000-000000000000\", "
		"\"bytes\": 1, \"ana_grpid\": 1, \"hosts\": []}]}",
		"{\"namespaces\": [{\"nsid\": 1, \"uuid\": "
		"\"02010000-0000-0000-0000-000000000000\", "
		"\"bytes\": 1, \"ana_grpid\": 129, \"hosts\": []}]}",
		"{\"namespaces\": [{\"nsid\": 1, \"uuid\": "
		"\"02010000-0000-0000-0000-000000000000\", "
		"\"bytes\": 1, \"ana_grpid\": 1}]}"};
	struct kept *kept = *state;
	char why[256];

	assert_int_equal(np_created_save(&kept->state, kept->subsys), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_state(kept, texts[i]);
		assert_int_equal(
			np_created_load(&kept->state, kept->subsys, why, sizeof(why)), -EINVAL);
		assert_string_not_equal(why, "");
	}
	assert_int_equal(kept->subsys->n_namespaces, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_created__comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_created__goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_created__number_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_created__damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
