// SPDX-License-Identifier: BSD-3-Clause
/*
 * doctor_notes.c - what self-tests say: a running daemon's, taken from its answer, and our own.
 *
 * Our own are the daemon's code on the daemon's data structures, without any reactor: the
 * transport tests each region with each RNIC when it opens, an engine is tested on a ring of its
 * own.
 *
 * Thread: the only one.
 * Depends: jansson, target/memory, target/backend, transport/transport.h.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/backend/backend.h"
#include "target/backend/selftest.h"
#include "target/base/log.h"
#include "tools/nvmet-p2p-cli/doctor_facts.h"
#include "transport/transport.h"

#define HOST_BYTES (4u << 20)

static void add_note(struct np_doc_facts *facts, const char *pci, const char *subject,
	enum np_verdict verdict, const char *reason, struct np_doc_note kind)
{
	struct np_doc_note *note = NP_DOC_ADD(facts, notes);

	*note = kind;
	note->verdict = verdict;
	snprintf(note->pci, sizeof(note->pci), "%.15s", pci);
	snprintf(note->subject, sizeof(note->subject), "%.63s", subject);
	snprintf(note->reason, sizeof(note->reason), "%.191s", reason);
}

/* ---- the daemon's ------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static enum np_verdict parse_verdict(const char *name)
{
	for (enum np_verdict verdict = NP_VERDICT_WORKS; verdict <= NP_VERDICT_UNUSABLE;
		verdict++) {
		if (!strcmp(name, np_verdict_name(verdict)))
			return verdict;
	}
	return NP_VERDICT_UNTESTED;
}

/* Host memory is "", other memory that is not on PCI goes by the last part of its name. */
static const char *key_of(const json_t *provider)
{
	const char *pci = text_of(provider, "pci"), *name = text_of(provider, "name");
	const char *slash = strrchr(name, '/');

	if (pci[0] || !strcmp(text_of(provider, "kind"), "host"))
		return pci;
	return slash ? slash + 1 : name;
}

void np_doc_take_notes(struct np_doc_facts *facts, const json_t *memory)
{
	json_t *provider, *pair;
	char name[64];
	size_t i, k;

	facts->is_daemon_here = true;
	json_array_foreach(json_object_get(memory, "providers"), i, provider) {
		const char *pci = key_of(provider);

		json_array_foreach(json_object_get(provider, "devices"), k, pair)
			add_note(facts, pci, text_of(pair, "device"),
				parse_verdict(text_of(pair, "result")), text_of(pair, "reason"),
				(struct np_doc_note){.is_rnic = true, .is_daemons = true});
		json_array_foreach(json_object_get(provider, "drives"), k, pair)
			add_note(facts, pci,
				np_doc_drive_name(text_of(pair, "drive"), name, sizeof(name)),
				parse_verdict(text_of(pair, "result")), text_of(pair, "reason"),
				(struct np_doc_note){.is_daemons = true});
	}
}

/* ---- our own ------------------------------------------------------------------------------ */

static bool is_daemons(const struct np_doc_facts *facts, const char *pci)
{
	for (unsigned int i = 0; i < facts->nnotes; i++) {
		if (facts->notes[i].is_daemons && !strcmp(facts->notes[i].pci, pci))
			return true;
	}
	return false;
}

/* Nothing could be tested with this provider. */
static void note_untested(struct np_doc_facts *facts, const char *pci, const char *why)
{
	for (unsigned int i = 0; i < facts->nrnics; i++)
		add_note(facts, pci, facts->rnics[i].name, NP_VERDICT_UNTESTED, why,
			(struct np_doc_note){.is_rnic = true});
	for (unsigned int i = 0; i < facts->ndrives; i++)
		add_note(facts, pci, facts->drives[i].name, NP_VERDICT_UNTESTED, why,
			(struct np_doc_note){.is_rnic = false});
}

static void take_rnic_notes(struct np_doc_facts *facts, const struct np_mem *mem)
{
	const struct np_mem_region *region;

	np_mem_for_each(mem, region) {
		const struct np_list *pos;

		np_list_for_each(pos, &region->notes) {
			const struct np_mem_note *note =
				np_container_of(pos, struct np_mem_note, link);

			add_note(facts, region->pci, note->subject, note->verdict, note->reason,
				(struct np_doc_note){.is_rnic = true});
		}
	}
}

/* With the engine that the daemon would take, as it would judge it. */
static void test_drive(
	struct np_doc_facts *facts, const struct np_doc_drive *drive, struct np_mem_region *region)
{
	static const struct np_backend_ops *const engines[] = {
		&np_backend_nvme_ops, &np_backend_block_ops};
	enum np_verdict verdict = NP_VERDICT_UNTESTED;
	struct np_backend *backend;
	char path[80], why[192];

	snprintf(path, sizeof(path), "/dev/%s", drive->name);
	for (unsigned int i = 0; i < 2; i++) {
		/* Somebody has it: what another engine could not do says nothing of this one. */
		if (np_backend_open(engines[i], path, 0, why, sizeof(why), &backend)) {
			verdict = NP_VERDICT_UNTESTED;
			continue;
		}
		verdict = np_backend_judge_region(backend, region, why, sizeof(why));
		np_backend_close(backend);
		if (verdict != NP_VERDICT_WORKS)
			continue;
		if (i > 0)
			verdict = NP_VERDICT_QUIRK;
		break;
	}
	if (verdict == NP_VERDICT_QUIRK)
		snprintf(why, sizeof(why), "engine block only: bytes compared equal");
	add_note(facts, region->pci, drive->name, verdict, why,
		(struct np_doc_note){.is_rnic = false});
}

/* The regions that the daemon would have: host memory stands first. */
static bool open_memory(struct np_doc_facts *facts, struct np_mem *mem)
{
	const struct np_mem_want host = {.where = "host", .bytes = HOST_BYTES, .numa_node = -1};
	const struct np_mem_want admin = {.where = "admin", .bytes = HOST_BYTES, .numa_node = -1};
	struct np_mem_region *region;
	char why[256];

	if (np_mem_open(mem, &np_mem_host_ops, &host, 1, why, sizeof(why), &region) ||
		np_mem_open(mem, &np_mem_host_ops, &admin, 1, why, sizeof(why), &region)) {
		np_doc_unseen(facts, "self-tests: %s", why);
		return false;
	}
	for (unsigned int i = 0; i < facts->nproviders; i++) {
		const struct np_doc_provider *provider = &facts->providers[i];
		const struct np_mem_want want = {.where = provider->place.pci};

		/* What is in a dax device would be overwritten. */
		if (provider->kind == NP_DOC_DAX || is_daemons(facts, provider->place.pci))
			continue;
		if (np_mem_open(mem, &np_mem_cmb_ops, &want, 1, why, sizeof(why), &region))
			note_untested(facts, provider->place.pci, why);
	}
	return true;
}

static void test_rnics(struct np_doc_facts *facts, struct np_mem *mem)
{
	static const struct np_transport_settings settings;
	struct np_runtime runtime = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct np_transport *transport;
	char why[256];

	if (!runtime.loop ||
		np_transport_rdma_ops.open(
			&runtime, mem, &settings, why, sizeof(why), &transport)) {
		np_doc_unseen(facts, "self-tests with RDMA devices: %s",
			runtime.loop ? why : "no event loop");
		return;
	}
	take_rnic_notes(facts, mem);
	np_transport_rdma_ops.close(transport);
	ev_loop_destroy(runtime.loop);
}

void np_doc_test(struct np_doc_facts *facts)
{
	struct np_mem mem = {.regions = {NULL}};
	struct np_mem_region *region;

	facts->is_tested = true;
	/* Its log is written for the daemon's operator; ours reads the notes. */
	np_log_set_level(NP_LOG_ERR);
	if (open_memory(facts, &mem)) {
		test_rnics(facts, &mem);
		np_mem_for_each(&mem, region) {
			for (unsigned int k = 0; region->is_peer && k < facts->ndrives; k++)
				test_drive(facts, &facts->drives[k], region);
		}
	}
	np_mem_close_all(&mem);
}
