// SPDX-License-Identifier: BSD-3-Clause
/*
 * apply_engine.c - can an engine move a drive's blocks into this memory? Tested once, and noted.
 *
 * Thread: control.
 * Depends: backend, memory.
 */
#include <stdio.h>
#include <string.h>

#include "config/apply.h"
#include "target/backend/selftest.h"
#include "target/base/event.h"

bool np_apply_engine_can(
	struct np_apply_engine *engine, struct np_mem_region *region, char *why, size_t why_size)
{
	const uint64_t bit = UINT64_C(1) << region->id;
	struct np_backend *backend = engine->backend;
	enum np_verdict verdict;
	const struct np_mem_note *note;
	char text[192];

	if (!(engine->tested & bit)) {
		verdict = np_backend_judge_region(backend, region, text, sizeof(text));
		if (verdict == NP_VERDICT_WORKS && engine->is_fallback)
			verdict = NP_VERDICT_QUIRK;
		engine->tested |= bit;
		if (verdict != NP_VERDICT_UNUSABLE)
			engine->works |= bit;
		np_mem_note(region, backend->path, false, verdict, text);
		np_event(NP_EVENT_TEST,
			region->is_peer || verdict != NP_VERDICT_UNUSABLE ? NP_LOG_INFO
									  : NP_LOG_WARN,
			"memory %s with drive %s: %s: %s", region->name, backend->path,
			np_verdict_name(verdict), text);
	}
	note = np_mem_find_note(region, backend->path, false);
	snprintf(why, why_size, "%.63s with %.63s: %.120s", region->name, backend->path,
		note ? note->reason : "");
	return engine->works & bit;
}

bool np_apply_engine_can_host(struct np_daemon *daemon, struct np_apply_engine *engine)
{
	struct np_mem_region *region;
	char why[256];

	if (!engine->backend->is_direct)
		return true;
	np_mem_for_each(&daemon->mem, region) {
		if (np_mem_is_host(region) &&
			!np_apply_engine_can(engine, region, why, sizeof(why)))
			return false;
	}
	return true;
}
