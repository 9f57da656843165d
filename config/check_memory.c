// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rules about daemon.memory[].
 *
 * Thread: any, pure.
 * Depends: config/model.h, config/diag.h.
 */
#include <string.h>

#include "config/check.h"
#include "config/text.h"

/* What only one kind has a use for. */
static int check_keys(const struct np_cfg_memory *memory, const struct np_cfg_spot *spot)
{
	const struct {
		const char *key;
		enum np_cfg_memory_kind kind;
		bool is_given;
	} keys[] = {
		{"path", NP_CFG_MEMORY_DAX, memory->path},
		{"pci", NP_CFG_MEMORY_CMB, memory->pci},
		{"exporter", NP_CFG_MEMORY_DMABUF, memory->exporter != NP_CFG_EXPORTER_UNSET},
	};
	const char *kind = np_cfg_name_of(np_cfg_memory_kind_names, memory->kind);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].kind == memory->kind && !keys[i].is_given)
			return np_cfg_spot_error(
				spot, keys[i].key, "missing, kind \"%s\" needs it", kind);
		if (keys[i].kind != memory->kind && keys[i].is_given)
			return np_cfg_spot_error(
				spot, keys[i].key, "kind \"%s\" has no use for it", kind);
	}
	return 0;
}

static int check_place(const struct np_cfg_memory *memory, const struct np_cfg_spot *spot)
{
	struct np_cfg_pci pci;

	if (memory->path && memory->path[0] != '/')
		return np_cfg_spot_error(
			spot, "path", "\"%.100s\" is not an absolute path", memory->path);
	if (memory->pci && np_cfg_parse_pci(memory->pci, &pci) < 0)
		return np_cfg_spot_error(
			spot, "pci", "\"%.40s\" is not a PCI address", memory->pci);
	return 0;
}

static int check_name(const struct np_cfg_memory *memory, const struct np_cfg_spot *spot)
{
	const char *name = np_cfg_memory_name(memory);

	if (memory->kind == NP_CFG_MEMORY_CMB && !memory->name)
		return 0;
	if (!name[0])
		return np_cfg_spot_error(
			spot, "name", "missing: nothing else gives this memory a name");
	if (!np_cfg_is_memory_name(name))
		return np_cfg_spot_error(spot, "name",
			"\"%.60s\" is not a letter and up to %d letters, digits, '.', '_' or '-'",
			name, NP_CFG_MEMORY_NAME_MAX - 1);
	return 0;
}

static bool is_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Those before @index. */
static int check_others(
	const struct np_cfg_daemon *daemon, size_t index, const struct np_cfg_spot *spot)
{
	const struct np_cfg_memory *memory = &daemon->memory[index];
	const char *name = np_cfg_memory_name(memory);

	for (size_t i = 0; i < index; i++) {
		const struct np_cfg_memory *other = &daemon->memory[i];

		if (name[0] && is_same(name, np_cfg_memory_name(other)))
			return np_cfg_spot_error(
				spot, "name", "\"%s\" is that of memory[%zu] already", name, i);
		if (is_same(memory->path, other->path))
			return np_cfg_spot_error(spot, "path", "is that of memory[%zu] already", i);
		if (is_same(memory->pci, other->pci))
			return np_cfg_spot_error(spot, "pci", "is that of memory[%zu] already", i);
	}
	return 0;
}

int np_cfg_check_memory(const struct np_cfg *cfg, struct np_cfg_diag *diag)
{
	const struct np_cfg_daemon *daemon = &cfg->daemon;

	for (size_t i = 0; i < daemon->n_memory; i++) {
		const struct np_cfg_memory *memory = &daemon->memory[i];
		struct np_cfg_spot spot = np_cfg_spot(diag, "daemon.memory[%zu]", i);
		int err = check_keys(memory, &spot);

		if (err == 0)
			err = check_place(memory, &spot);
		if (err == 0)
			err = check_name(memory, &spot);
		if (err == 0)
			err = check_others(daemon, i, &spot);
		if (err == 0 && memory->bytes)
			err = np_cfg_check_pool(
				memory->bytes, daemon->reactors.count, &spot, "bytes");
		if (err < 0)
			return err;
	}
	return 0;
}
