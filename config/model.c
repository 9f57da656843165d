// SPDX-License-Identifier: BSD-3-Clause
/*
 * Life of a model: defaults, copy, free, and the look-ups that others need. What a model
 * consists of is read from the tables of config/fields.h.
 *
 * Thread: any; no state of its own.
 * Depends: config/fields.h.
 */
#include "config/model.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"
#include "target/base/secret.h"

static const void *at(const struct np_cfg_field *field, const void *base)
{
	return (const char *)base + field->offset;
}

static void *at_mut(const struct np_cfg_field *field, void *base)
{
	return (char *)base + field->offset;
}

const struct np_cfg_field *np_cfg_field_find(const struct np_cfg_class *cls, const char *key)
{
	for (size_t i = 0; i < cls->n_fields; i++) {
		if (strcmp(cls->fields[i].key, key) == 0)
			return &cls->fields[i];
	}
	return NULL;
}

int64_t np_cfg_field_get_int(const struct np_cfg_field *field, const void *base)
{
	const void *src = at(field, base);
	uint64_t raw = 0;
	unsigned int shift;

	assert(field->size == 2 || field->size == 4 || field->size == 8);
	switch (field->size) {
	case 2:
		raw = *(const uint16_t *)src;
		break;
	case 4:
		raw = *(const uint32_t *)src;
		break;
	default:
		raw = *(const uint64_t *)src;
	}
	if (field->min >= 0)
		return (int64_t)raw;
	shift = 64 - 8 * (unsigned int)field->size;
	return (int64_t)(raw << shift) >> shift;
}

void np_cfg_field_set_int(const struct np_cfg_field *field, void *base, int64_t value)
{
	void *dst = at_mut(field, base);

	switch (field->size) {
	case 2:
		*(uint16_t *)dst = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)dst = (uint32_t)value;
		break;
	default:
		*(uint64_t *)dst = (uint64_t)value;
	}
}

/* Pointers go through memcpy: a member of type struct x * is not an lvalue of type void *. */
void *np_cfg_field_get_ptr(const struct np_cfg_field *field, const void *base)
{
	void *ptr;

	memcpy(&ptr, at(field, base), sizeof(ptr));
	return ptr;
}

void np_cfg_field_set_ptr(const struct np_cfg_field *field, void *base, void *ptr)
{
	memcpy(at_mut(field, base), &ptr, sizeof(ptr));
}

size_t np_cfg_field_get_count(const struct np_cfg_field *field, const void *base)
{
	return *(const size_t *)((const char *)base + field->count_offset);
}

void np_cfg_field_set_count(const struct np_cfg_field *field, void *base, size_t count)
{
	*(size_t *)((char *)base + field->count_offset) = count;
}

static int init_field(const struct np_cfg_field *field, void *base)
{
	char *text;

	switch (field->kind) {
	case NP_CFG_KIND_STR:
		if (!field->def_text)
			return 0;
		text = strdup(field->def_text);
		np_cfg_field_set_ptr(field, base, text);
		return text ? 0 : -ENOMEM;
	case NP_CFG_KIND_BOOL:
		*(bool *)at_mut(field, base) = field->def != 0;
		return 0;
	case NP_CFG_KIND_INT:
	case NP_CFG_KIND_ENUM:
		np_cfg_field_set_int(field, base, field->def);
		return 0;
	case NP_CFG_KIND_CPUS:
		((struct np_cfg_reactors *)at_mut(field, base))->count = (unsigned int)field->def;
		return 0;
	case NP_CFG_KIND_OBJ:
		return np_cfg_class_init(field->sub, at_mut(field, base));
	default:
		return 0; /* zero is the default */
	}
}

int np_cfg_class_init(const struct np_cfg_class *cls, void *base)
{
	for (size_t i = 0; i < cls->n_fields; i++) {
		int err =
			cls->fields[i].flags & NP_CFG_ALIAS ? 0 : init_field(&cls->fields[i], base);
		if (err < 0)
			return err;
	}
	return 0;
}

static int copy_fields(const struct np_cfg_class *cls, const void *from, void *to);

static int copy_list(const struct np_cfg_field *field, const void *from, void *to)
{
	const size_t n = np_cfg_field_get_count(field, from);
	const size_t step = field->kind == NP_CFG_KIND_STRS ? sizeof(char *) : field->sub->size;
	const char *items = np_cfg_field_get_ptr(field, from);
	char *copies = calloc(n + 1, step);

	np_cfg_field_set_ptr(field, to, copies);
	np_cfg_field_set_count(field, to, copies ? n : 0);
	if (!copies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (field->kind == NP_CFG_KIND_STRS) {
			char *text = strdup(((char *const *)(const void *)items)[i]);

			((char **)(void *)copies)[i] = text;
			if (!text)
				return -ENOMEM;
		} else if (np_cfg_class_copy(field->sub, items + i * step, copies + i * step)) {
			return -ENOMEM;
		}
	}
	return 0;
}

static int copy_cpus(const struct np_cfg_reactors *from, struct np_cfg_reactors *to)
{
	to->cpus = NULL;
	if (!from->cpus)
		return 0;
	to->cpus = malloc(from->count * sizeof(*to->cpus));
	if (!to->cpus)
		return -ENOMEM;
	memcpy(to->cpus, from->cpus, from->count * sizeof(*to->cpus));
	return 0;
}

/* @to has the bytes of @from: what these own is made anew, or forgotten. */
static int copy_field(const struct np_cfg_field *field, const void *from, void *to)
{
	const char *text;
	char *copy;

	switch (field->kind) {
	case NP_CFG_KIND_STR:
		text = np_cfg_field_get_ptr(field, from);
		copy = text ? strdup(text) : NULL;
		np_cfg_field_set_ptr(field, to, copy);
		return text && !copy ? -ENOMEM : 0;
	case NP_CFG_KIND_OBJ:
		return copy_fields(field->sub, at(field, from), at_mut(field, to));
	case NP_CFG_KIND_LIST:
	case NP_CFG_KIND_STRS:
		return copy_list(field, from, to);
	case NP_CFG_KIND_CPUS:
		return copy_cpus(at(field, from), at_mut(field, to));
	default:
		return 0;
	}
}

/* All of them, also after an error: nothing of @from may be left in @to. */
static int copy_fields(const struct np_cfg_class *cls, const void *from, void *to)
{
	int err = 0;

	for (size_t i = 0; i < cls->n_fields; i++) {
		if (!(cls->fields[i].flags & NP_CFG_ALIAS) && copy_field(&cls->fields[i], from, to))
			err = -ENOMEM;
	}
	return err;
}

int np_cfg_class_copy(const struct np_cfg_class *cls, const void *from, void *to)
{
	memcpy(to, from, cls->size);
	return copy_fields(cls, from, to);
}

static void fini_list(const struct np_cfg_field *field, void *base)
{
	char *items = np_cfg_field_get_ptr(field, base);
	size_t n = np_cfg_field_get_count(field, base);

	for (size_t i = 0; i < n; i++) {
		if (field->kind == NP_CFG_KIND_STRS)
			free(((char **)(void *)items)[i]);
		else
			np_cfg_class_fini(field->sub, items + i * field->sub->size);
	}
	free(items);
}

/* Some are secrets. */
static void fini_text(char *text)
{
	if (text)
		np_secret_forget(text, strlen(text));
	free(text);
}

static void fini_field(const struct np_cfg_field *field, void *base)
{
	switch (field->kind) {
	case NP_CFG_KIND_STR:
		fini_text(np_cfg_field_get_ptr(field, base));
		break;
	case NP_CFG_KIND_OBJ:
		np_cfg_class_fini(field->sub, at_mut(field, base));
		break;
	case NP_CFG_KIND_LIST:
	case NP_CFG_KIND_STRS:
		fini_list(field, base);
		break;
	case NP_CFG_KIND_CPUS:
		free(((struct np_cfg_reactors *)at_mut(field, base))->cpus);
		break;
	default:
		break;
	}
}

void np_cfg_class_fini(const struct np_cfg_class *cls, void *base)
{
	for (size_t i = 0; i < cls->n_fields; i++) {
		if (!(cls->fields[i].flags & NP_CFG_ALIAS))
			fini_field(&cls->fields[i], base);
	}
}

struct np_cfg *np_cfg_new(void)
{
	struct np_cfg *cfg = calloc(1, sizeof(*cfg));

	if (cfg && np_cfg_class_init(&np_cfg_class, cfg) < 0) {
		np_cfg_free(cfg);
		return NULL;
	}
	return cfg;
}

struct np_cfg *np_cfg_copy(const struct np_cfg *cfg)
{
	struct np_cfg *copy = calloc(1, sizeof(*copy));

	if (copy && np_cfg_class_copy(&np_cfg_class, cfg, copy) < 0) {
		np_cfg_free(copy);
		return NULL;
	}
	return copy;
}

void np_cfg_free(struct np_cfg *cfg)
{
	if (!cfg)
		return;
	np_cfg_class_fini(&np_cfg_class, cfg);
	free(cfg);
}

const struct np_cfg_host *np_cfg_find_host(const struct np_cfg *cfg, const char *nqn)
{
	for (size_t i = 0; i < cfg->n_hosts; i++) {
		if (strcmp(cfg->hosts[i].nqn, nqn) == 0)
			return &cfg->hosts[i];
	}
	return NULL;
}

bool np_cfg_has_secrets(const struct np_cfg *cfg)
{
	for (size_t i = 0; i < cfg->n_hosts; i++) {
		if (cfg->hosts[i].dhchap_key)
			return true;
	}
	return false;
}

const struct np_cfg_subsys *np_cfg_find_subsys(const struct np_cfg *cfg, const char *nqn)
{
	for (size_t i = 0; i < cfg->n_subsystems; i++) {
		if (strcmp(cfg->subsystems[i].nqn, nqn) == 0)
			return &cfg->subsystems[i];
	}
	return NULL;
}

struct np_cfg_ns *np_cfg_find_ns(const struct np_cfg_subsys *subsys, uint32_t nsid)
{
	for (size_t i = 0; i < subsys->n_namespaces; i++) {
		if (subsys->namespaces[i].nsid == nsid)
			return &subsys->namespaces[i];
	}
	return NULL;
}

const char *np_cfg_memory_name(const struct np_cfg_memory *memory)
{
	const char *slash = memory->path ? strrchr(memory->path, '/') : NULL;

	if (memory->name)
		return memory->name;
	switch (memory->kind) {
	case NP_CFG_MEMORY_DAX:
		return slash ? slash + 1 : "";
	case NP_CFG_MEMORY_DMABUF:
		return memory->exporter == NP_CFG_EXPORTER_UDMABUF ? "udmabuf" : "";
	case NP_CFG_MEMORY_CMB:
		break; /* its PCI address means it */
	}
	return "";
}

const struct np_cfg_memory *np_cfg_find_memory(const struct np_cfg *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->daemon.n_memory; i++) {
		if (strcmp(np_cfg_memory_name(&cfg->daemon.memory[i]), name) == 0)
			return &cfg->daemon.memory[i];
	}
	return NULL;
}

const struct np_cfg_port *np_cfg_find_port(const struct np_cfg *cfg, uint16_t portid)
{
	for (size_t i = 0; i < cfg->n_ports; i++) {
		if (cfg->ports[i].portid == portid)
			return &cfg->ports[i];
	}
	return NULL;
}

bool np_cfg_port_is_served(const struct np_cfg_port *port)
{
	return port->addr.trtype == NP_CFG_TRTYPE_RDMA;
}

bool np_cfg_port_exports(const struct np_cfg_port *port, const char *nqn)
{
	for (size_t i = 0; i < port->n_subsystems; i++) {
		if (strcmp(port->subsystems[i], nqn) == 0)
			return true;
	}
	return false;
}

bool np_cfg_subsys_requires_p2p(const struct np_cfg_subsys *subsys)
{
	for (size_t i = 0; i < subsys->n_namespaces; i++) {
		if (subsys->namespaces[i].enable && subsys->namespaces[i].p2pmem_require)
			return true;
	}
	return false;
}
