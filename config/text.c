// SPDX-License-Identifier: BSD-3-Clause
/*
 * Text forms of the small values in a model.
 *
 * Thread: any, pure.
 * Depends: config/model.h.
 */
#include "config/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/wire_auth.h"

#define PAGE_BYTES 4096

const struct np_cfg_name np_cfg_trtype_names[] = {
	{"rdma", NP_CFG_TRTYPE_RDMA},
	{"tcp", NP_CFG_TRTYPE_TCP},
	{"fc", NP_CFG_TRTYPE_FC},
	{"loop", NP_CFG_TRTYPE_LOOP},
	{"pci", NP_CFG_TRTYPE_PCI},
	{"", NP_CFG_TRTYPE_UNSET},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_adrfam_names[] = {
	{"ipv4", NP_CFG_ADRFAM_IPV4},
	{"ipv6", NP_CFG_ADRFAM_IPV6},
	{"ib", NP_CFG_ADRFAM_IB},
	{"fc", NP_CFG_ADRFAM_FC},
	{"loop", NP_CFG_ADRFAM_LOOP},
	{"pci", NP_CFG_ADRFAM_PCI},
	{"pcie", NP_CFG_ADRFAM_PCI},
	{"", NP_CFG_ADRFAM_UNSET},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_treq_names[] = {
	{"not specified", NP_CFG_TREQ_NOT_SPECIFIED},
	{"required", NP_CFG_TREQ_REQUIRED},
	{"not required", NP_CFG_TREQ_NOT_REQUIRED},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_ana_state_names[] = {
	{"optimized", NP_CFG_ANA_OPTIMIZED},
	{"non-optimized", NP_CFG_ANA_NON_OPTIMIZED},
	{"inaccessible", NP_CFG_ANA_INACCESSIBLE},
	{"persistent-loss", NP_CFG_ANA_PERSISTENT_LOSS},
	{"change", NP_CFG_ANA_CHANGE},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_fence_names[] = {
	{"auto", NP_CFG_FENCE_AUTO},
	{"none", NP_CFG_FENCE_NONE},
	{"read", NP_CFG_FENCE_READ},
	{NULL, 0},
};

/* The kernel's names, in configfs. */
const struct np_cfg_name np_cfg_chap_hash_names[] = {
	{"hmac(sha256)", NP_CHAP_SHA256},
	{"hmac(sha384)", NP_CHAP_SHA384},
	{"hmac(sha512)", NP_CHAP_SHA512},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_chap_group_names[] = {
	{"null", NP_CHAP_NO_DH},
	{"ffdhe2048", NP_CHAP_FFDHE2048},
	{"ffdhe3072", NP_CHAP_FFDHE3072},
	{"ffdhe4096", NP_CHAP_FFDHE4096},
	{"ffdhe6144", NP_CHAP_FFDHE6144},
	{"ffdhe8192", NP_CHAP_FFDHE8192},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_zero_names[] = {
	{"namespace", NP_CFG_ZERO_NAMESPACE},
	{"always", NP_CFG_ZERO_ALWAYS},
	{"never", NP_CFG_ZERO_NEVER},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_engine_names[] = {
	{"auto", NP_CFG_ENGINE_AUTO},
	{"nvme", NP_CFG_ENGINE_NVME},
	{"block", NP_CFG_ENGINE_BLOCK},
	{"file", NP_CFG_ENGINE_FILE},
	{"null", NP_CFG_ENGINE_NULL},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_memory_kind_names[] = {
	{"cmb", NP_CFG_MEMORY_CMB},
	{"dax", NP_CFG_MEMORY_DAX},
	{"dmabuf", NP_CFG_MEMORY_DMABUF},
	{NULL, 0},
};

const struct np_cfg_name np_cfg_exporter_names[] = {
	{"udmabuf", NP_CFG_EXPORTER_UDMABUF},
	{"socket", NP_CFG_EXPORTER_SOCKET},
	{"", NP_CFG_EXPORTER_UNSET},
	{NULL, 0},
};

const char *np_cfg_name_of(const struct np_cfg_name *names, unsigned int value)
{
	for (; names->name; names++) {
		if (names->value == value)
			return names->name;
	}
	return "?";
}

/* Read @min to @max hex digits at *@text and move it on. */
static int take_hex(const char **text, int min, int max, uint32_t *ret_value)
{
	uint32_t value = 0;
	int n;

	for (n = 0; n < max && isxdigit((unsigned char)**text); n++, (*text)++) {
		int c = tolower((unsigned char)**text);

		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (n < min)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int take_char(const char **text, char c)
{
	if (**text != c)
		return -EINVAL;
	(*text)++;
	return 0;
}

int np_cfg_parse_pci(const char *text, struct np_cfg_pci *ret_pci)
{
	uint32_t domain, bus, dev, fn;

	if (take_hex(&text, 4, 8, &domain) || take_char(&text, ':') ||
		take_hex(&text, 2, 2, &bus) || take_char(&text, ':') ||
		take_hex(&text, 2, 2, &dev) || take_char(&text, '.') ||
		take_hex(&text, 1, 1, &fn) || *text != '\0')
		return -EINVAL;
	if (dev > 0x1f || fn > 7)
		return -EINVAL;
	*ret_pci = (struct np_cfg_pci){domain, (uint8_t)bus, (uint8_t)dev, (uint8_t)fn};
	return 0;
}

void np_cfg_format_pci(const struct np_cfg_pci *pci, char *buf, size_t size)
{
	snprintf(buf, size, "%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->dev, pci->fn);
}

bool np_cfg_is_memory_name(const char *name)
{
	size_t len = strlen(name);

	if (!isalpha((unsigned char)name[0]) || len > NP_CFG_MEMORY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

int np_cfg_parse_p2pmem(const char *text, struct np_cfg_p2pmem *ret_p2pmem)
{
	struct np_cfg_p2pmem p2pmem = {.mode = NP_CFG_P2PMEM_PCI};

	if (strcmp(text, "0") == 0)
		p2pmem.mode = NP_CFG_P2PMEM_OFF;
	else if (strcmp(text, "1") == 0)
		p2pmem.mode = NP_CFG_P2PMEM_AUTO;
	else if (np_cfg_is_memory_name(text)) {
		p2pmem.mode = NP_CFG_P2PMEM_NAME;
		snprintf(p2pmem.name, sizeof(p2pmem.name), "%s", text);
	} else if (np_cfg_parse_pci(text, &p2pmem.pci) < 0)
		return -EINVAL;
	*ret_p2pmem = p2pmem;
	return 0;
}

void np_cfg_format_p2pmem(const struct np_cfg_p2pmem *p2pmem, char *buf, size_t size)
{
	if (p2pmem->mode == NP_CFG_P2PMEM_PCI)
		np_cfg_format_pci(&p2pmem->pci, buf, size);
	else if (p2pmem->mode == NP_CFG_P2PMEM_NAME)
		snprintf(buf, size, "%s", p2pmem->name);
	else
		snprintf(buf, size, "%d", p2pmem->mode == NP_CFG_P2PMEM_AUTO);
}

int np_cfg_parse_share(const char *text, struct np_cfg_share *ret_share)
{
	struct np_cfg_share share = {0};
	unsigned long long value;
	char *end;

	if (*text == '\0') {
		*ret_share = share;
		return 0;
	}
	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno || value == 0)
		return -EINVAL;
	if (strcmp(end, "%") == 0 && value <= 100)
		share.percent = value;
	else if (*end == '\0' && value % PAGE_BYTES == 0 && value <= INT64_MAX)
		share.bytes = value;
	else
		return -EINVAL;
	*ret_share = share;
	return 0;
}

void np_cfg_format_share(const struct np_cfg_share *share, char *buf, size_t size)
{
	if (share->percent)
		snprintf(buf, size, "%" PRIu64 "%%", share->percent);
	else if (share->bytes)
		snprintf(buf, size, "%" PRIu64, share->bytes);
	else
		snprintf(buf, size, "%s", "");
}

uint64_t np_cfg_share_of(const struct np_cfg_share *share, uint64_t pool_bytes, uint64_t none)
{
	if (!np_cfg_share_is_given(share))
		return none;
	if (share->percent)
		return (pool_bytes / 100 * share->percent +
			       pool_bytes % 100 * share->percent / 100) /
			PAGE_BYTES * PAGE_BYTES;
	return share->bytes;
}

int np_cfg_parse_id(const char *text, struct np_cfg_id *ret_id)
{
	struct np_cfg_id id = {.is_given = false};

	if (*text == '\0') {
		*ret_id = id;
		return 0;
	}
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		uint32_t byte;

		if (i > 0 && (*text == '-' || *text == ':'))
			text++;
		if (take_hex(&text, 2, 2, &byte) < 0)
			return -EINVAL;
		id.bytes[i] = (uint8_t)byte;
		id.is_given = id.is_given || byte != 0;
	}
	if (*text != '\0')
		return -EINVAL;
	*ret_id = id;
	return 0;
}

void np_cfg_format_id(const struct np_cfg_id *id, char *buf, size_t size)
{
	const uint8_t *b = id->bytes;

	if (!id->is_given) {
		snprintf(buf, size, "%s", "");
		return;
	}
	snprintf(buf, size, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

int np_cfg_parse_opcode(const char *text, uint8_t *ret_opcode)
{
	const bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	value = strtoul(text, &end, is_hex ? 16 : 10);
	if (*end || value > UINT8_MAX)
		return -EINVAL;
	*ret_opcode = (uint8_t)value;
	return 0;
}

int np_cfg_parse_version(const char *text, uint32_t *ret_version)
{
	unsigned int major, minor, tertiary = 0;
	int end = 0;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 9)
		return -EINVAL;
	if (sscanf(text, "%u.%u%n.%u%n", &major, &minor, &end, &tertiary, &end) < 2 || text[end])
		return -EINVAL;
	if (major == 0 || major > 0xffff || minor > 0xff || tertiary > 0xff)
		return -EINVAL;
	*ret_version = major << 16 | minor << 8 | tertiary;
	return 0;
}

void np_cfg_format_version(uint32_t version, char *buf, size_t size)
{
	if (version == 0)
		snprintf(buf, size, "%s", "");
	else if (version & 0xff)
		snprintf(buf, size, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
	else
		snprintf(buf, size, "%u.%u", version >> 16, version >> 8 & 0xff);
}
