// SPDX-License-Identifier: BSD-3-Clause
/*
 * The tables of config/fields.h. Keys are those of nvmetcli's save file; below `daemon` and where
 * model.h says so they are ours.
 *
 * Thread: any, constant data.
 * Depends: config/model.h, config/text.h.
 */
#include "config/fields.h"

#include <stdbool.h>

#include "target/base/wire_auth.h"

#define PLACE(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

#define STR(k, type, member, ...)                                                   \
	{                                                                           \
		.key = k, .kind = NP_CFG_KIND_STR, PLACE(type, member), __VA_ARGS__ \
	}
#define BOOL(k, type, member, d)                                                  \
	{                                                                         \
		.key = k, .kind = NP_CFG_KIND_BOOL, PLACE(type, member), .def = d \
	}
#define INT(k, type, member, lo, hi, d, ...)                                                  \
	{                                                                                     \
		.key = k, .kind = NP_CFG_KIND_INT, PLACE(type, member), .min = lo, .max = hi, \
		.def = d, __VA_ARGS__                                                         \
	}
#define ENUM(k, type, member, table, d, ...)                                                       \
	{                                                                                          \
		.key = k, .kind = NP_CFG_KIND_ENUM, PLACE(type, member), .names = table, .def = d, \
		__VA_ARGS__                                                                        \
	}
#define TEXT(k, type, member, ops, ...)                                                           \
	{                                                                                         \
		.key = k, .kind = NP_CFG_KIND_TEXT, PLACE(type, member), .text = ops, __VA_ARGS__ \
	}
#define OBJ(k, type, member, cls)                                                  \
	{                                                                          \
		.key = k, .kind = NP_CFG_KIND_OBJ, PLACE(type, member), .sub = cls \
	}
/* An object of the file whose members are members of the struct around it. */
#define GROUP(k, cls, ...)                                                 \
	{                                                                  \
		.key = k, .kind = NP_CFG_KIND_OBJ, .sub = cls, __VA_ARGS__ \
	}
#define LIST(k, type, member, cls)                                                    \
	{                                                                             \
		.key = k, .kind = NP_CFG_KIND_LIST, .offset = offsetof(type, member), \
		.count_offset = offsetof(type, n_##member), .sub = cls                \
	}
#define STRS(k, type, member, ...)                                                    \
	{                                                                             \
		.key = k, .kind = NP_CFG_KIND_STRS, .offset = offsetof(type, member), \
		.count_offset = offsetof(type, n_##member), ##__VA_ARGS__             \
	}
#define SKIP(k, why)                                                \
	{                                                           \
		.key = k, .kind = NP_CFG_KIND_SKIP, .def_text = why \
	}

#define CLASS(name, type, table)                  \
	static const struct np_cfg_class name = { \
		sizeof(struct type), table, sizeof(table) / sizeof((table)[0])}

static int parse_p2pmem(const char *text, void *dst)
{
	return np_cfg_parse_p2pmem(text, dst);
}

static void format_p2pmem(const void *src, char *buf, size_t size)
{
	np_cfg_format_p2pmem(src, buf, size);
}

static int parse_share(const char *text, void *dst)
{
	return np_cfg_parse_share(text, dst);
}

static void format_share(const void *src, char *buf, size_t size)
{
	np_cfg_format_share(src, buf, size);
}

static int parse_id(const char *text, void *dst)
{
	return np_cfg_parse_id(text, dst);
}

static void format_id(const void *src, char *buf, size_t size)
{
	np_cfg_format_id(src, buf, size);
}

static int parse_version(const char *text, void *dst)
{
	return np_cfg_parse_version(text, dst);
}

static void format_version(const void *src, char *buf, size_t size)
{
	np_cfg_format_version(*(const uint32_t *)src, buf, size);
}

static const struct np_cfg_text_ops p2pmem_text = {
	"\"0\", \"1\", a PCI address like \"0000:01:00.0\" or a name of memory", parse_p2pmem,
	format_p2pmem};
static const struct np_cfg_text_ops share_text = {
	"a part like \"25%\" or bytes, a multiple of 4096", parse_share, format_share};
static const struct np_cfg_text_ops id_text = {"16 bytes in hex", parse_id, format_id};
static const struct np_cfg_text_ops version_text = {
	"an NVMe version like \"1.4\"", parse_version, format_version};

/* Ports and referrals hold the same address, a referral's with one key more. */
#define ADDR_FIELDS(type)                                                                        \
	ENUM("trtype", type, addr.trtype, np_cfg_trtype_names, 0, .flags = NP_CFG_REQUIRED),     \
		ENUM("adrfam", type, addr.adrfam, np_cfg_adrfam_names, 0,                        \
			.flags = NP_CFG_REQUIRED),                                               \
		STR("traddr", type, addr.traddr, .flags = NP_CFG_REQUIRED),                      \
		STR("trsvcid", type, addr.trsvcid, .def_text = "4420", .flags = NP_CFG_NUMERIC), \
		ENUM("treq", type, addr.treq, np_cfg_treq_names, NP_CFG_TREQ_NOT_SPECIFIED),     \
		SKIP("tsas", NULL) /* follows from trtype */

/* As the kernel calls them, in configfs. */
static const struct np_cfg_field host_fields[] = {
	STR("nqn", struct np_cfg_host, nqn, .flags = NP_CFG_REQUIRED),
	STR("dhchap_key", struct np_cfg_host, dhchap_key),
	STR("dhchap_ctrl_key", struct np_cfg_host, dhchap_ctrl_key),
	ENUM("dhchap_hash", struct np_cfg_host, dhchap_hash, np_cfg_chap_hash_names,
		NP_CHAP_SHA256),
	ENUM("dhchap_dhgroup", struct np_cfg_host, dhchap_dhgroup, np_cfg_chap_group_names,
		NP_CHAP_NO_DH),
};
CLASS(host_class, np_cfg_host, host_fields);

static const struct np_cfg_field referral_addr_fields[] = {
	ADDR_FIELDS(struct np_cfg_referral),
	INT("portid", struct np_cfg_referral, portid, -1, 65535, -1),
};
CLASS(referral_addr_class, np_cfg_referral, referral_addr_fields);

static const struct np_cfg_field referral_fields[] = {
	STR("name", struct np_cfg_referral, name, .flags = NP_CFG_REQUIRED | NP_CFG_NUMERIC),
	INT("portid", struct np_cfg_referral, portid, -1, 65535, -1, .flags = NP_CFG_ALIAS),
	GROUP("addr", &referral_addr_class, .flags = NP_CFG_REQUIRED),
	BOOL("enable", struct np_cfg_referral, enable, true),
};
CLASS(referral_class, np_cfg_referral, referral_fields);

static const struct np_cfg_field ana_state_fields[] = {
	ENUM("state", struct np_cfg_ana_group, state, np_cfg_ana_state_names, NP_CFG_ANA_OPTIMIZED),
};
CLASS(ana_state_class, np_cfg_ana_group, ana_state_fields);

static const struct np_cfg_field ana_group_fields[] = {
	INT("grpid", struct np_cfg_ana_group, grpid, 1, NP_CFG_ANA_GROUPS, 0,
		.flags = NP_CFG_REQUIRED),
	GROUP("ana", &ana_state_class),
};
CLASS(ana_group_class, np_cfg_ana_group, ana_group_fields);

static const struct np_cfg_field port_addr_fields[] = {
	ADDR_FIELDS(struct np_cfg_port),
};
CLASS(port_addr_class, np_cfg_port, port_addr_fields);

static const struct np_cfg_field param_fields[] = {
	INT("inline_data_size", struct np_cfg_port, inline_data_size, -1, NP_CFG_INLINE_MAX, -1),
	INT("max_queue_size", struct np_cfg_port, max_queue_size, -1, NP_CFG_QUEUE_SIZE_MAX, -1),
	BOOL("pi_enable", struct np_cfg_port, pi_enable, false),
};
CLASS(param_class, np_cfg_port, param_fields);

static const struct np_cfg_field port_fields[] = {
	INT("portid", struct np_cfg_port, portid, 0, 65535, 0, .flags = NP_CFG_REQUIRED),
	GROUP("addr", &port_addr_class, .flags = NP_CFG_REQUIRED),
	GROUP("param", &param_class),
	STRS("subsystems", struct np_cfg_port, subsystems),
	LIST("referrals", struct np_cfg_port, referrals, &referral_class),
	LIST("ana_groups", struct np_cfg_port, ana_groups, &ana_group_class),
};
CLASS(port_class, np_cfg_port, port_fields);

static const struct np_cfg_field device_fields[] = {
	STR("path", struct np_cfg_device, path, .flags = NP_CFG_KERNEL_NIL),
	TEXT("uuid", struct np_cfg_device, uuid, &id_text),
	TEXT("nguid", struct np_cfg_device, nguid, &id_text),
	INT("size_bytes", struct np_cfg_device, size_bytes, 0, INT64_MAX, 0),
};
CLASS(device_class, np_cfg_device, device_fields);

static const struct np_cfg_field ns_ana_fields[] = {
	INT("grpid", struct np_cfg_ns, ana_grpid, 0, NP_CFG_ANA_GROUPS, 1),
};
CLASS(ns_ana_class, np_cfg_ns, ns_ana_fields);

static const struct np_cfg_field ns_resv_fields[] = {
	BOOL("enable", struct np_cfg_ns, resv_enable, false),
};
CLASS(ns_resv_class, np_cfg_ns, ns_resv_fields);

static const struct np_cfg_field ns_attr_fields[] = {
	TEXT("p2pmem", struct np_cfg_ns, p2pmem, &p2pmem_text, .flags = NP_CFG_NUMERIC),
};
CLASS(ns_attr_class, np_cfg_ns, ns_attr_fields);

static const struct np_cfg_field qos_fields[] = {
	INT("ios_per_s", struct np_cfg_qos, ios_per_s, 0, INT64_MAX, 0),
	INT("bytes_per_s", struct np_cfg_qos, bytes_per_s, 0, INT64_MAX, 0),
	INT("read_bytes_per_s", struct np_cfg_qos, read_bytes_per_s, 0, INT64_MAX, 0),
	INT("write_bytes_per_s", struct np_cfg_qos, write_bytes_per_s, 0, INT64_MAX, 0),
};
CLASS(qos_class, np_cfg_qos, qos_fields);

static const struct np_cfg_field ns_fields[] = {
	INT("nsid", struct np_cfg_ns, nsid, 1, NP_CFG_NSID_MAX, 0, .flags = NP_CFG_REQUIRED),
	BOOL("enable", struct np_cfg_ns, enable, true),
	OBJ("device", struct np_cfg_ns, device, &device_class),
	/* nvmetcli writes the group twice. */
	INT("ana_grpid", struct np_cfg_ns, ana_grpid, 0, NP_CFG_ANA_GROUPS, 1,
		.flags = NP_CFG_ALIAS),
	GROUP("ana", &ns_ana_class),
	GROUP("resv", &ns_resv_class),
	GROUP("attr", &ns_attr_class, .flags = NP_CFG_ALIAS),
	TEXT("p2pmem", struct np_cfg_ns, p2pmem, &p2pmem_text, .flags = NP_CFG_NUMERIC),
	TEXT("p2pmem_quota", struct np_cfg_ns, p2pmem_quota, &share_text, .flags = NP_CFG_NUMERIC),
	TEXT("p2pmem_reserve", struct np_cfg_ns, p2pmem_reserve, &share_text,
		.flags = NP_CFG_NUMERIC),
	BOOL("p2pmem_require", struct np_cfg_ns, p2pmem_require, false),
	BOOL("io_poll", struct np_cfg_ns, io_poll, false),
	INT("scrub", struct np_cfg_ns, scrub, 0, UINT32_MAX, 0),
	OBJ("qos", struct np_cfg_ns, qos, &qos_class),
	STRS("allowed_hosts", struct np_cfg_ns, allowed_hosts),
	ENUM("engine", struct np_cfg_ns, engine, np_cfg_engine_names, NP_CFG_ENGINE_AUTO),
};
CLASS(ns_class, np_cfg_ns, ns_fields);

static const struct np_cfg_field attr_fields[] = {
	BOOL("allow_any_host", struct np_cfg_subsys, allow_any_host, false),
	STR("serial", struct np_cfg_subsys, serial, .flags = NP_CFG_NUMERIC),
	STR("model", struct np_cfg_subsys, model),
	STR("firmware", struct np_cfg_subsys, firmware, .flags = NP_CFG_NUMERIC),
	TEXT("version", struct np_cfg_subsys, version, &version_text),
	INT("cntlid_min", struct np_cfg_subsys, cntlid_min, 1, 0xffef, 1),
	INT("cntlid_max", struct np_cfg_subsys, cntlid_max, 1, 0xffef, 0xffef),
	INT("ieee_oui", struct np_cfg_subsys, ieee_oui, 0, 0xffffff, 0),
	INT("qid_max", struct np_cfg_subsys, qid_max, 1, 128, 128),
	BOOL("pi_enable", struct np_cfg_subsys, pi_enable, false),
};
CLASS(attr_class, np_cfg_subsys, attr_fields);

static const struct np_cfg_field created_fields[] = {
	STR("folder", struct np_cfg_created, folder),
	INT("capacity_bytes", struct np_cfg_created, capacity_bytes, 0, INT64_MAX, 0),
};
CLASS(created_class, np_cfg_created, created_fields);

static const struct np_cfg_field subsys_fields[] = {
	STR("nqn", struct np_cfg_subsys, nqn, .flags = NP_CFG_REQUIRED),
	STRS("allowed_hosts", struct np_cfg_subsys, allowed_hosts),
	GROUP("attr", &attr_class),
	LIST("namespaces", struct np_cfg_subsys, namespaces, &ns_class),
	OBJ("namespace_management", struct np_cfg_subsys, created, &created_class),
	BOOL("static_controllers", struct np_cfg_subsys, static_controllers, false),
	BOOL("subsystem_reset", struct np_cfg_subsys, subsystem_reset, false),
	STRS("passthru", struct np_cfg_subsys, passthru, .flags = NP_CFG_NUMERIC,
		.def_text = "a passthrough subsystem is not supported, ignored"),
};
CLASS(subsys_class, np_cfg_subsys, subsys_fields);

static const struct np_cfg_field memory_fields[] = {
	ENUM("kind", struct np_cfg_memory, kind, np_cfg_memory_kind_names, 0,
		.flags = NP_CFG_REQUIRED),
	STR("name", struct np_cfg_memory, name),
	STR("path", struct np_cfg_memory, path),
	STR("pci", struct np_cfg_memory, pci),
	ENUM("exporter", struct np_cfg_memory, exporter, np_cfg_exporter_names,
		NP_CFG_EXPORTER_UNSET),
	INT("bytes", struct np_cfg_memory, bytes, 0, INT64_MAX, 0),
};
CLASS(memory_class, np_cfg_memory, memory_fields);

static const struct np_cfg_field daemon_fields[] = {
	{.key = "reactors",
		.kind = NP_CFG_KIND_CPUS,
		PLACE(struct np_cfg_daemon, reactors),
		.max = NP_CFG_REACTORS_MAX,
		.def = 1},
	INT("nice", struct np_cfg_daemon, nice, -20, 19, -20),
	INT("poll_us", struct np_cfg_daemon, poll_us, -1, 1000000, 200),
	INT("health_interval_s", struct np_cfg_daemon, health_interval_s, 0, 86400, 60),
	INT("cq_moderation_count", struct np_cfg_daemon, cq_moderation_count, 0, UINT16_MAX, 0),
	INT("cq_moderation_us", struct np_cfg_daemon, cq_moderation_us, 0, UINT16_MAX, 0),
	ENUM("p2p_fence", struct np_cfg_daemon, p2p_fence, np_cfg_fence_names, NP_CFG_FENCE_AUTO),
	ENUM("zero_on_free", struct np_cfg_daemon, zero_on_free, np_cfg_zero_names,
		NP_CFG_ZERO_NAMESPACE),
	STR("control_socket", struct np_cfg_daemon, control_socket,
		.def_text = NP_CFG_SOCKET_DEFAULT),
	STR("state_dir", struct np_cfg_daemon, state_dir, .def_text = NP_CFG_STATE_DEFAULT),
	STR("discovery_nqn", struct np_cfg_daemon, discovery_nqn),
	INT("cmb_pool_bytes", struct np_cfg_daemon, cmb_pool_bytes, 0, INT64_MAX, 0),
	INT("host_pool_bytes", struct np_cfg_daemon, host_pool_bytes, 0, INT64_MAX, 64 << 20),
	BOOL("mdns", struct np_cfg_daemon, mdns, false),
	BOOL("software_p2p", struct np_cfg_daemon, software_p2p, false),
	LIST("memory", struct np_cfg_daemon, memory, &memory_class),
};
CLASS(daemon_class, np_cfg_daemon, daemon_fields);

static const struct np_cfg_field cfg_fields[] = {
	LIST("hosts", struct np_cfg, hosts, &host_class),
	LIST("ports", struct np_cfg, ports, &port_class),
	LIST("subsystems", struct np_cfg, subsystems, &subsys_class),
	OBJ("daemon", struct np_cfg, daemon, &daemon_class),
};
const struct np_cfg_class np_cfg_class = {
	sizeof(struct np_cfg), cfg_fields, sizeof(cfg_fields) / sizeof(cfg_fields[0])};
