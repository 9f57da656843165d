// SPDX-License-Identifier: BSD-3-Clause
/*
 * test_nvme_resv_rules.c - the rules of reservations, as tables of requests.
 *
 * Depends: np_nvme, cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/nvme/resv.h"

enum {
	WE = NVME_RESERVATION_RTYPE_WE,
	EA = NVME_RESERVATION_RTYPE_EA,
	WERO = NVME_RESERVATION_RTYPE_WERO,
	EARO = NVME_RESERVATION_RTYPE_EARO,
	WEAR = NVME_RESERVATION_RTYPE_WEAR,
	EAAR = NVME_RESERVATION_RTYPE_EAAR,
};

#define MAX_STEPS 10
#define OK 0
#define CONFLICT (NVME_SC_RESERVATION_CONFLICT | NVME_SC_DNR)
#define INVALID (NVME_SC_INVALID_FIELD | NVME_SC_DNR)

/* Host 'a' has the key 0xa, 'b' 0xb, and so on, unless a step says otherwise. */
struct step {
	char host;
	enum np_resv_verb verb;
	uint8_t type;
	uint64_t other; /* NRKEY or PRKEY; REGISTER: 0 for the host's own */
	uint16_t status;
	/*
	 * What holds afterwards: registrants in order, the holder in upper case, and all of them where
	 * all hold it. NULL: as before.
	 */
	const char *holds;
	const char *told; /* "b1c2": b of type 1, c of type 2; NULL: nobody */
	bool is_wrong_key, ignores_key;
};

struct story {
	const char *name;
	struct step steps[MAX_STEPS];
};

#define STEP(h, v, t, o, s, now, ...)                                                             \
	{                                                                                         \
		.host = h, .verb = NP_RESV_##v, .type = t, .other = o, .status = s, .holds = now, \
		##__VA_ARGS__                                                                     \
	}
#define REG(h, now) STEP(h, REGISTER, 0, 0, OK, now)

static const struct story stories[] = {
	{"registration",
		{REG('b', "b"), REG('a', "ab"), REG('c', "abc"), REG('b', "abc"),
			STEP('b', REGISTER, 0, 0x77, CONFLICT, "abc"),
			STEP('b', REPLACE, 0, 0x77, CONFLICT, "abc", .is_wrong_key = true),
			STEP('d', REPLACE, 0, 0x77, CONFLICT, "abc", .ignores_key = true),
			STEP('a', UNREGISTER, 0, 0, CONFLICT, "abc", .is_wrong_key = true),
			STEP('a', UNREGISTER, 0, 0, OK, "bc", .is_wrong_key = true,
				.ignores_key = true),
			STEP('a', UNREGISTER, 0, 0, CONFLICT, "bc")}},
	{"replaced key",
		{REG('a', "a"), STEP('a', REPLACE, 0, 0x77, OK, "a"),
			STEP('a', ACQUIRE, WE, 0, CONFLICT, "a"),
			STEP('a', REPLACE, 0, 0xa, OK, "a", .ignores_key = true),
			STEP('a', ACQUIRE, WE, 0, OK, "A")}},
	{"acquire and release",
		{STEP('a', ACQUIRE, WE, 0, CONFLICT, ""), REG('a', "a"), REG('b', "ab"),
			STEP('b', ACQUIRE, EA, 0, OK, "aB"), STEP('b', ACQUIRE, EA, 0, OK, "aB"),
			STEP('b', ACQUIRE, WE, 0, CONFLICT, "aB"),
			STEP('a', ACQUIRE, EA, 0, CONFLICT, "aB"),
			STEP('a', RELEASE, EA, 0, OK, "aB"),
			STEP('b', RELEASE, WE, 0, INVALID, "aB"),
			STEP('b', RELEASE, EA, 0, OK, "ab")}},
	{"a shared one that is released is told of",
		{REG('a', "a"), REG('b', "ab"), REG('c', "abc"),
			STEP('b', ACQUIRE, WERO, 0, OK, "aBc"),
			STEP('b', RELEASE, WERO, 0, OK, "abc", .told = "a2c2"),
			STEP('b', ACQUIRE, EARO, 0, OK, "aBc"),
			STEP('b', UNREGISTER, 0, 0, OK, "ac", .told = "a2c2")}},
	{"a holder who comes before another keeps it",
		{REG('c', "c"), STEP('c', ACQUIRE, WE, 0, OK, "C"), REG('a', "aC"), REG('b', "abC"),
			STEP('a', UNREGISTER, 0, 0, OK, "bC"),
			STEP('c', UNREGISTER, 0, 0, OK, "b")}},
	{"of all registrants",
		{REG('a', "a"), REG('b', "ab"), STEP('a', ACQUIRE, WEAR, 0, OK, "AB"),
			STEP('b', ACQUIRE, WEAR, 0, OK, "AB"), REG('c', "ABC"),
			STEP('a', UNREGISTER, 0, 0, OK, "BC"),
			STEP('b', RELEASE, WEAR, 0, OK, "bc", .told = "c2"),
			STEP('c', ACQUIRE, EAAR, 0, OK, "BC"), STEP('b', UNREGISTER, 0, 0, OK, "C"),
			STEP('c', UNREGISTER, 0, 0, OK, "")}},
	{"preempt registrants only",
		{REG('a', "a"), REG('b', "ab"), REG('c', "abc"),
			STEP('a', PREEMPT, WE, 0x99, CONFLICT, "abc"),
			STEP('a', PREEMPT, WE, 0xb, OK, "ac", .told = "b1"),
			STEP('c', ACQUIRE, WE, 0, OK, "aC"), REG('b', "abC"),
			STEP('a', PREEMPT, EA, 0xb, OK, "aC", .told = "b1"),
			STEP('a', PREEMPT, EA, 0, INVALID, "aC"),
			STEP('d', PREEMPT, EA, 0xc, CONFLICT, "aC")}},
	{"preempt the holder",
		{REG('a', "a"), REG('b', "ab"), REG('c', "abc"),
			STEP('b', ACQUIRE, WE, 0, OK, "aBc"),
			STEP('c', PREEMPT, EARO, 0xb, OK, "aC", .told = "b1"),
			STEP('a', PREEMPT, WE, 0xc, OK, "A", .told = "c1")}},
	{"preempt of a shared one tells who is left",
		{REG('a', "a"), REG('b', "ab"), REG('c', "abc"),
			STEP('b', ACQUIRE, WERO, 0, OK, "aBc"),
			STEP('c', PREEMPT, WERO, 0xb, OK, "aC", .told = "b1"), REG('b', "abC"),
			STEP('a', PREEMPT, WE, 0xc, OK, "Ab", .told = "b2c1")}},
	{"preempt oneself",
		{REG('a', "a"), REG('b', "ab"), STEP('a', ACQUIRE, WE, 0, OK, "Ab"),
			STEP('a', PREEMPT, EA, 0xa, OK, "Ab"), STEP('a', RELEASE, EA, 0, OK, "ab"),
			STEP('a', PREEMPT, EA, 0xa, OK, "b")}},
	{"preempt one of all registrants, and all others",
		{REG('a', "a"), REG('b', "ab"), REG('c', "abc"),
			STEP('a', ACQUIRE, EAAR, 0, OK, "ABC"),
			STEP('a', PREEMPT, WE, 0x99, CONFLICT, "ABC"),
			STEP('a', PREEMPT, WE, 0xb, OK, "AC", .told = "b1"),
			STEP('c', PREEMPT, WE, 0, OK, "C", .told = "a1")}},
	{"clear",
		{REG('a', "a"), REG('b', "ab"), STEP('b', ACQUIRE, WE, 0, OK, "aB"),
			STEP('c', CLEAR, 0, 0, CONFLICT, "aB"),
			STEP('a', CLEAR, 0, 0, OK, "", .told = "b3"),
			STEP('a', CLEAR, 0, 0, CONFLICT, "")}},
};

static struct np_resv_request request_of(const struct step *step)
{
	const uint64_t key = (uint64_t)(step->host - 'a' + 0xa);
	struct np_resv_request request = {
		.verb = step->verb,
		.key = step->is_wrong_key ? key + 0x100 : key,
		.new_key = step->other ? step->other : key,
		.prey = step->other,
		.type = step->type,
		.ignores_key = step->ignores_key,
	};

	memset(request.hostid, step->host, sizeof(request.hostid));
	return request;
}

static void describe(const struct np_resv *resv, char *text)
{
	for (uint32_t i = 0; i < resv->count; i++) {
		const char host = (char)resv->list[i].hostid[0];

		*text++ = np_resv_is_holder(resv, i) ? (char)(host - 'a' + 'A') : host;
	}
	*text = '\0';
}

static void describe_news(const struct np_resv *resv, const uint8_t *news, char *text)
{
	for (uint32_t i = 0; i < resv->count; i++) {
		if (!news[i])
			continue;
		*text++ = (char)resv->list[i].hostid[0];
		*text++ = (char)('0' + news[i]);
	}
	*text = '\0';
}

static void run_story(const struct story *story)
{
	struct np_resv_ns *ns = np_resv_ns_new();

	for (size_t i = 0; i < MAX_STEPS && story->steps[i].host; i++) {
		const struct step *step = &story->steps[i];
		const struct np_resv_request request = request_of(step);
		struct np_resv *old = atomic_load(&ns->now), *now;
		char holds[16], told[16];
		uint8_t news[16] = {0};
		struct np_status status = np_resv_change(old, &request, &now, news);

		if (now) {
			atomic_store(&ns->now, now);
		} else {
			now = old;
		}
		describe(now, holds);
		describe_news(old, news, told);
		if (status.field != step->status || strcmp(holds, step->holds) != 0 ||
			strcmp(told, step->told ? step->told : "") != 0)
			fail_msg("%s, step %zu: %#x, \"%s\", told \"%s\"", story->name, i,
				status.field, holds, told);
		if (now != old)
			free(old);
	}
	np_resv_ns_free(ns);
}

static void test_change__by_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		run_story(&stories[i]);
}

/* Spec: NVM Express Base 2.0, Figure of command behavior in the presence of a reservation. */
static void test_allows__by_type(void **state)
{
	static const struct {
		uint8_t type;
		bool stranger_reads, stranger_writes, registrant_reads, registrant_writes;
	} cases[] = {
		{0, true, true, true, true},
		{WE, true, false, true, false},
		{EA, false, false, false, false},
		{WERO, true, false, true, true},
		{EARO, false, false, true, true},
		{WEAR, true, false, true, true},
		{EAAR, false, false, true, true},
	};
	uint8_t hosts[3][NP_HOSTID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct np_resv *resv = calloc(1, sizeof(*resv) + 2 * sizeof(resv->list[0]));

		for (int j = 0; j < 3; j++)
			memset(hosts[j], 'a' + j, NP_HOSTID_BYTES);
		*resv = (struct np_resv){.type = cases[i].type, .holder = 1, .count = 2};
		memcpy(resv->list[0].hostid, hosts[0], NP_HOSTID_BYTES);
		memcpy(resv->list[1].hostid, hosts[1], NP_HOSTID_BYTES);
		assert_true(np_resv_allows(resv, hosts[1], false));
		assert_true(np_resv_allows(resv, hosts[1], true));
		assert_int_equal(np_resv_allows(resv, hosts[0], false), cases[i].registrant_reads);
		assert_int_equal(np_resv_allows(resv, hosts[0], true), cases[i].registrant_writes);
		assert_int_equal(np_resv_allows(resv, hosts[2], false), cases[i].stranger_reads);
		assert_int_equal(np_resv_allows(resv, hosts[2], true), cases[i].stranger_writes);
		free(resv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change__by_the_rules),
		cmocka_unit_test(test_allows__by_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
