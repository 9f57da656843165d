/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the operator wants, as plain data: hosts, ports, subsystems, daemon settings.
 * The shape is that of an nvmetcli save file, with our own keys added. Made by config/json.h,
 * judged by config/check.h, used by everybody who builds something from it.
 *
 * Thread: any; a model is not changed after it was checked.
 * Depends: list.h.
 */
#ifndef NP_CONFIG_MODEL_H
#define NP_CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/base/list.h"

#define NP_CFG_NQN_MAX 223
#define NP_CFG_QOS_MIN_IOS 100u
#define NP_CFG_QOS_MIN_BYTES (1u << 20)
#define NP_CFG_DISCOVERY_NQN "nqn.2014-08.org.nvmexpress.discovery"
#define NP_CFG_ANA_GROUPS 128 /* as the kernel's NVMET_MAX_ANAGRPS */
#define NP_CFG_NSID_MAX 0xfffffffe
#define NP_CFG_INLINE_MAX 16384
#define NP_CFG_QUEUE_SIZE_MIN 16 /* as the kernel's NVMET_MIN_QUEUE_SIZE */
#define NP_CFG_QUEUE_SIZE_MAX 1024
#define NP_CFG_REACTORS_MAX 64
#define NP_CFG_POOL_MIN_BYTES 65536
#define NP_CFG_MEMORY_NAME_MAX 31
#define NP_CFG_STATE_DEFAULT "/var/lib/nvmet-p2p"
#define NP_CFG_STATE_MAX 1024
#define NP_CFG_SOCKET_DEFAULT "/run/nvmet-p2p.sock"

/* Values of the next four are those of the discovery log entry and of the ANA log. */
enum np_cfg_trtype {
	NP_CFG_TRTYPE_PCI = 0,
	NP_CFG_TRTYPE_RDMA = 1,
	NP_CFG_TRTYPE_FC = 2,
	NP_CFG_TRTYPE_TCP = 3,
	NP_CFG_TRTYPE_LOOP = 254,
	NP_CFG_TRTYPE_UNSET = 255, /* "", which the kernel shows before one is chosen */
};

enum np_cfg_adrfam {
	NP_CFG_ADRFAM_PCI = 0,
	NP_CFG_ADRFAM_IPV4 = 1,
	NP_CFG_ADRFAM_IPV6 = 2,
	NP_CFG_ADRFAM_IB = 3,
	NP_CFG_ADRFAM_FC = 4,
	NP_CFG_ADRFAM_LOOP = 254,
	NP_CFG_ADRFAM_UNSET = 255, /* "", of a port that has no address, such as loop's */
};

enum np_cfg_treq {
	NP_CFG_TREQ_NOT_SPECIFIED = 0,
	NP_CFG_TREQ_REQUIRED = 1,
	NP_CFG_TREQ_NOT_REQUIRED = 2,
};

enum np_cfg_ana_state {
	NP_CFG_ANA_OPTIMIZED = 0x01,
	NP_CFG_ANA_NON_OPTIMIZED = 0x02,
	NP_CFG_ANA_INACCESSIBLE = 0x03,
	NP_CFG_ANA_PERSISTENT_LOSS = 0x04,
	NP_CFG_ANA_CHANGE = 0x0f,
};

enum np_cfg_engine {
	NP_CFG_ENGINE_AUTO,
	NP_CFG_ENGINE_NVME,
	NP_CFG_ENGINE_BLOCK,
	NP_CFG_ENGINE_FILE,
	NP_CFG_ENGINE_NULL,
};

enum np_cfg_p2pmem_mode {
	NP_CFG_P2PMEM_OFF,  /* "0": host memory */
	NP_CFG_P2PMEM_AUTO, /* "1": the daemon chooses a provider */
	NP_CFG_P2PMEM_PCI,  /* the CMB of the device at .pci */
	NP_CFG_P2PMEM_NAME, /* the one of daemon.memory[] that is called .name */
};

enum np_cfg_memory_kind {
	NP_CFG_MEMORY_CMB,
	NP_CFG_MEMORY_DAX,
	NP_CFG_MEMORY_DMABUF,
};

enum np_cfg_exporter {
	NP_CFG_EXPORTER_UNSET,
	NP_CFG_EXPORTER_UDMABUF,
	NP_CFG_EXPORTER_SOCKET, /* somebody's: its descriptor comes over the control socket */
};

struct np_cfg_pci {
	uint32_t domain;
	uint8_t bus;
	uint8_t dev;
	uint8_t fn;
};

struct np_cfg_p2pmem {
	enum np_cfg_p2pmem_mode mode;          /* default OFF, as the kernel's attribute */
	struct np_cfg_pci pci;                 /* all zero unless mode is PCI */
	char name[NP_CFG_MEMORY_NAME_MAX + 1]; /* "" unless mode is NAME */
};

/* A part of a provider's memory. All zero: not given. */
struct np_cfg_share {
	uint64_t bytes;
	uint64_t percent; /* of the pool; 0: by bytes */
};

/* A UUID or NGUID in the byte order of its text. All zero in the file means not given. */
struct np_cfg_id {
	bool is_given;
	uint8_t bytes[16];
};

struct np_cfg_addr {
	enum np_cfg_trtype trtype;
	enum np_cfg_adrfam adrfam;
	char *traddr;
	char *trsvcid; /* default "4420" */
	enum np_cfg_treq treq;
};

struct np_cfg_host {
	char *nqn;
	char *dhchap_key;         /* its secret, "DHHC-1:..."; NULL: it need not prove who it is */
	char *dhchap_ctrl_key;    /* by which we prove ourselves to it, or NULL */
	unsigned int dhchap_hash; /* NP_CHAP_, likewise: the weakest that will do */
	unsigned int dhchap_dhgroup;
};

struct np_cfg_referral {
	char *name;
	struct np_cfg_addr addr;
	bool enable;    /* default true */
	int32_t portid; /* -1 = not given */
};

struct np_cfg_ana_group {
	uint32_t grpid;
	enum np_cfg_ana_state state; /* default OPTIMIZED */
};

struct np_cfg_port {
	uint16_t portid;
	struct np_cfg_addr addr;
	int32_t inline_data_size; /* bytes, 0 to NP_CFG_INLINE_MAX; -1 = not given */
	int32_t max_queue_size;   /* entries; -1 = not given: NP_CFG_QUEUE_SIZE_MAX */
	bool pi_enable;
	char **subsystems; /* NQNs */
	size_t n_subsystems;
	struct np_cfg_referral *referrals;
	size_t n_referrals;
	struct np_cfg_ana_group *ana_groups;
	size_t n_ana_groups;
};

struct np_cfg_device {
	char *path; /* NULL = not given; the null engine has none */
	struct np_cfg_id uuid;
	struct np_cfg_id nguid;
	uint64_t size_bytes; /* for the null engine; 0 = not given */
};

/* What all hosts together get of a namespace a second; 0: no limit. */
struct np_cfg_qos {
	uint64_t ios_per_s, bytes_per_s, read_bytes_per_s, write_bytes_per_s;
};

struct np_cfg_ns {
	uint32_t nsid;
	bool enable; /* default true: who writes a namespace by hand wants to see it */
	struct np_cfg_device device;
	uint32_t ana_grpid; /* default 1; 0 = saved on a kernel without ANA */
	bool resv_enable;
	struct np_cfg_p2pmem p2pmem;
	struct np_cfg_share p2pmem_quota;   /* most that it holds of a provider */
	struct np_cfg_share p2pmem_reserve; /* what others cannot take of it */
	bool p2pmem_require;                /* default false: fall back to host memory */
	enum np_cfg_engine engine;          /* default AUTO */
	bool io_poll;                       /* default false */
	uint32_t scrub;                     /* one write in so many is read back; default 0: none */
	struct np_cfg_qos qos;              /* default: no limits */
	char **allowed_hosts;               /* NQNs of those that see it; none: all may */
	size_t n_allowed_hosts;
	/* Not in the file, see created.h: a host has made it, and none: nobody sees it. */
	bool is_created;
	bool is_private; /* for one host */
};

/* What hosts may create namespaces of. */
struct np_cfg_created {
	char *folder;            /* where their files are; NULL: hosts may not */
	uint64_t capacity_bytes; /* that all of them may have together */
	/* Not in the file: */
	uint32_t block_bytes; /* of what they create */
	bool is_unknown;      /* what they have created could not be read */
};

struct np_cfg_subsys {
	char *nqn;
	char **allowed_hosts; /* NQNs */
	size_t n_allowed_hosts;
	bool allow_any_host; /* default false, as the kernel's attribute */
	char *serial;        /* NULL = derived from the NQN */
	char *model;         /* NULL = ours */
	char *firmware;      /* NULL = ours */
	uint32_t version;    /* as the VS register; 0 = ours */
	uint16_t cntlid_min; /* default 1 */
	uint16_t cntlid_max; /* default 0xffef */
	uint32_t ieee_oui;   /* 24 bits, default 0 */
	uint16_t qid_max;    /* I/O queues a host may have, default 128 */
	bool pi_enable;
	bool static_controllers; /* a host finds its own again; default false */
	bool subsystem_reset;    /* hosts may reset it, for all of them; default false */
	struct np_cfg_created created;
	char **passthru; /* opcodes of I/O commands that are handed to the drive */
	size_t n_passthru;
	struct np_cfg_ns *namespaces;
	size_t n_namespaces;
};

/* Is data in peer memory known to have arrived before the drive is told? See docs/p2p.md. */
enum np_cfg_fence {
	NP_CFG_FENCE_AUTO, /* READ for an RNIC in hardware */
	NP_CFG_FENCE_NONE,
	NP_CFG_FENCE_READ, /* the RNIC reads back the last byte */
};

/* When is peer memory that was in use zeroed? */
enum np_cfg_zero {
	NP_CFG_ZERO_NAMESPACE, /* before another namespace gets it */
	NP_CFG_ZERO_ALWAYS,
	NP_CFG_ZERO_NEVER,
};

struct np_cfg_reactors {
	unsigned int count; /* default 1 */
	int *cpus;          /* count of them; NULL = any CPU the process may run on */
};

/* A provider of memory beside host memory. What a kind has no use for is not given. */
struct np_cfg_memory {
	enum np_cfg_memory_kind kind;
	char *name;                    /* for p2pmem; NULL = np_cfg_memory_name() */
	char *path;                    /* of a dax device */
	char *pci;                     /* of a cmb's device */
	enum np_cfg_exporter exporter; /* of a dmabuf */
	uint64_t bytes;                /* 0 = what is there, up to 64 MiB */
};

struct np_cfg_daemon {
	struct np_cfg_reactors reactors;
	int32_t nice;    /* of the reactors; default -20 */
	int32_t poll_us; /* poll that long without work before sleeping; -1 = for ever; default 200 */
	uint32_t
		health_interval_s; /* between two looks at the drives' health; 0 = none; default 60 */
	uint16_t cq_moderation_count, cq_moderation_us; /* default 0: the RNIC's own */
	enum np_cfg_fence p2p_fence;                    /* default AUTO */
	enum np_cfg_zero zero_on_free;                  /* default NAMESPACE */
	char *control_socket;                           /* default NP_CFG_SOCKET_DEFAULT */
	char *discovery_nqn;      /* of the discovery subsystem; NULL: only the well-known one */
	char *state_dir;          /* what must outlive the process; default NP_CFG_STATE_DEFAULT */
	uint64_t cmb_pool_bytes;  /* per provider; 0 = as much as is free, up to 64 MiB (default) */
	uint64_t host_pool_bytes; /* for each NUMA node with an RNIC; default 64 MiB */
	bool mdns;                /* announce ports; default false */
	bool software_p2p;        /* default false; of no effect but on arm64 */
	struct np_cfg_memory *memory;
	size_t n_memory;
};

struct np_cfg {
	struct np_cfg_host *hosts;
	size_t n_hosts;
	struct np_cfg_port *ports;
	size_t n_ports;
	struct np_cfg_subsys *subsystems;
	size_t n_subsystems;
	struct np_cfg_daemon daemon;
	struct np_list link; /* in np_daemon.retired_cfgs */
};

/*
 * Make an empty model that holds the defaults.
 * Return: the model, to be given to np_cfg_free(); NULL without memory.
 */
struct np_cfg *np_cfg_new(void);

/* Free @cfg and all it owns. NULL is fine. */
void np_cfg_free(struct np_cfg *cfg);

/* Return: one like @cfg, to be given to np_cfg_free(); NULL without memory. */
struct np_cfg *np_cfg_copy(const struct np_cfg *cfg);

/* Find a host, subsystem or port by its key. Return: borrowed from @cfg, or NULL. */
const struct np_cfg_host *np_cfg_find_host(const struct np_cfg *cfg, const char *nqn);
const struct np_cfg_subsys *np_cfg_find_subsys(const struct np_cfg *cfg, const char *nqn);
struct np_cfg_ns *np_cfg_find_ns(const struct np_cfg_subsys *subsys, uint32_t nsid);
const struct np_cfg_port *np_cfg_find_port(const struct np_cfg *cfg, uint16_t portid);

/* Has any host a dhchap_key? */
bool np_cfg_has_secrets(const struct np_cfg *cfg);

/* The name by which p2pmem means @memory, "" if it has none. Return: borrowed. */
const char *np_cfg_memory_name(const struct np_cfg_memory *memory);

/* Find one of daemon.memory[] by its name. Return: borrowed from @cfg, or NULL. */
const struct np_cfg_memory *np_cfg_find_memory(const struct np_cfg *cfg, const char *name);

/* Tell whether @port is of a transport that this target has. */
bool np_cfg_port_is_served(const struct np_cfg_port *port);

/* Tell whether @port exports the subsystem @nqn. */
bool np_cfg_port_exports(const struct np_cfg_port *port, const char *nqn);

/* Tell whether an enabled namespace of @subsys insists on P2P memory. */
bool np_cfg_subsys_requires_p2p(const struct np_cfg_subsys *subsys);

#endif
