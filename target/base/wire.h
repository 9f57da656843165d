/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h - on-wire structures that libnvme's <nvme/types.h> lacks.
 *
 * All multi-byte fields are little-endian; use target/base/le.h.
 * Spec: NVM Express Base 2.0 (SQE: 3.3.3.1, CQE: 3.3.3.2, SGL: 4.1.2, Fabrics: 6);
 *       NVMe RDMA Transport 1.0 (SGL: 3.1, CM private data: 3.5).
 * Depends: nothing.
 */
#ifndef NP_BASE_WIRE_H
#define NP_BASE_WIRE_H

#include <assert.h>
#include <stdint.h>

/* SGL descriptor type in the high nibble of its last byte, sub-type in the low one. */
enum {
	NP_SGL_DATA_BLOCK = 0x0,
	NP_SGL_LAST_SEGMENT = 0x3,
	NP_SGL_KEYED_DATA_BLOCK = 0x4,
	NP_SGL_SUB_ADDRESS = 0x0,
	NP_SGL_SUB_OFFSET = 0x1,
	NP_SGL_SUB_INVALIDATE = 0xf,
};

/* One SGL descriptor: the keyed form, and the plain form of data block and segment. */
struct np_sgl_desc {
	uint64_t addr;
	union {
		struct {
			uint8_t length[3];
			uint8_t key[4];
		} __attribute__((packed)) keyed;
		struct {
			uint32_t length;
			uint8_t rsvd[3];
		} __attribute__((packed)) plain;
	};
	uint8_t type;
} __attribute__((packed));
static_assert(sizeof(struct np_sgl_desc) == 16, "SGL descriptor");

struct np_sqe {
	uint8_t opcode;
	uint8_t flags; /* 1:0 fused, 7:6 PSDT */
	uint16_t cid;
	union {
		uint32_t nsid;
		struct {
			uint8_t fctype; /* opcode 7Fh */
			uint8_t rsvd[3];
		} fabrics;
	};
	uint32_t cdw2;
	uint32_t cdw3;
	uint64_t mptr;
	struct np_sgl_desc sgl;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
} __attribute__((packed, aligned(8)));
static_assert(sizeof(struct np_sqe) == 64, "submission queue entry");

/* Offset in the SQE of a field of struct np_connect_cmd or np_prop_cmd, which begin at dword 10. */
#define NP_SQE_OFFSET(type, member) \
	((uint16_t)(offsetof(struct np_sqe, cdw10) + offsetof(type, member)))

enum {
	NP_SQE_FUSE_MASK = 0x03,
	NP_SQE_PSDT_MASK = 0xc0,
	NP_SQE_PSDT_SGL = 0x40,      /* SGL, metadata as a contiguous buffer */
	NP_SQE_PSDT_SGL_MPTR = 0x80, /* SGL, metadata as an SGL */
	NP_OPCODE_FABRICS = 0x7f,
};

struct np_cqe {
	union {
		uint32_t dw0;
		uint64_t dw0_1;
		struct {
			uint16_t cntlid;
			uint16_t authreq;
		} connect;
		struct {
			uint16_t ipo;  /* offset of the invalid parameter */
			uint8_t iattr; /* 0: in the SQE, 1: in the data */
		} connect_error;
	};
	uint16_t sqhd;
	uint16_t rsvd;
	uint16_t cid;
	uint16_t status; /* bit 0 is the phase tag, zero over fabrics */
} __attribute__((packed, aligned(8)));
static_assert(sizeof(struct np_cqe) == 16, "completion queue entry");

/* Fabrics Connect, bytes 40..63 of the SQE (cdw10..cdw15). */
struct np_connect_cmd {
	uint16_t recfmt;
	uint16_t qid;
	uint16_t sqsize_0b;
	uint8_t cattr;
	uint8_t rsvd;
	uint32_t kato_ms;
	uint8_t rsvd2[12];
} __attribute__((packed));
static_assert(sizeof(struct np_connect_cmd) == 24, "connect command");

/* Property Get and Set, bytes 40..63 of the SQE. */
struct np_prop_cmd {
	uint8_t attrib; /* 2:0 size: 0 = 4 bytes, 1 = 8 bytes */
	uint8_t rsvd[3];
	uint32_t ofst;
	uint64_t value; /* Set only */
	uint8_t rsvd2[8];
} __attribute__((packed));
static_assert(sizeof(struct np_prop_cmd) == 24, "property command");

/* RDMA_CM_EVENT_CONNECT_REQUEST private data. */
struct np_cm_req {
	uint16_t recfmt;
	uint16_t qid;
	uint16_t hrqsize;    /* entries of the host's receive queue */
	uint16_t hsqsize_0b; /* entries of the host's send queue */
	uint16_t cntlid;
	uint8_t rsvd[22];
} __attribute__((packed));
static_assert(sizeof(struct np_cm_req) == 32, "CM request");

struct np_cm_accept {
	uint16_t recfmt;
	uint16_t crqsize;
	uint8_t rsvd[28];
} __attribute__((packed));
static_assert(sizeof(struct np_cm_accept) == 32, "CM accept");

struct np_cm_reject {
	uint16_t recfmt;
	uint16_t status; /* enum np_cm_status */
} __attribute__((packed));
static_assert(sizeof(struct np_cm_reject) == 4, "CM reject");

/* Reject codes. Spec: NVMe RDMA Transport 1.0, section 3.5.3; Linux include/linux/nvme-rdma.h. */
enum np_cm_status {
	NP_CM_OK = 0x00,
	NP_CM_INVALID_LEN = 0x01,
	NP_CM_INVALID_RECFMT = 0x02,
	NP_CM_INVALID_QID = 0x03,
	NP_CM_INVALID_HSQSIZE = 0x04,
	NP_CM_INVALID_HRQSIZE = 0x05,
	NP_CM_NO_RSC = 0x06,
	NP_CM_INVALID_IRD = 0x07,
	NP_CM_INVALID_ORD = 0x08,
	NP_CM_INVALID_CNTLID = 0x09,
};

#endif
