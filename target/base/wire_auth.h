/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire_auth.h - the messages of DH-HMAC-CHAP, which Authentication Send and Receive carry.
 *
 * All multi-byte fields are little-endian; use target/base/le.h.
 * Spec: NVM Express Base 2.0, 6.1, 6.2 (commands), 8.13.4, 8.13.5 (messages).
 * Depends: nothing.
 */
#ifndef NP_BASE_WIRE_AUTH_H
#define NP_BASE_WIRE_AUTH_H

#include <assert.h>
#include <stdint.h>

/* Connect's answer, AUTHREQ: the queue is to be authenticated before it is used. */
#define NP_AUTHREQ_ATR 0x0002u

/* Security protocol that both commands name. */
#define NP_AUTH_SECP 0xe9u
#define NP_AUTH_SPSP 0x01u

/* Authentication Send and Receive, bytes 40..63 of the SQE. */
struct np_auth_cmd {
	uint8_t rsvd;
	uint8_t spsp0, spsp1, secp;
	uint32_t bytes; /* TL, AL: of data */
	uint8_t rsvd2[16];
} __attribute__((packed));
static_assert(sizeof(struct np_auth_cmd) == 24, "authentication command");

enum {
	NP_AUTH_TYPE_COMMON = 0x00,
	NP_AUTH_TYPE_DHCHAP = 0x01,
};

enum {
	NP_AUTH_ID_NEGOTIATE = 0x00, /* type common, as both failures are */
	NP_AUTH_ID_CHALLENGE = 0x01,
	NP_AUTH_ID_REPLY = 0x02,
	NP_AUTH_ID_SUCCESS1 = 0x03,
	NP_AUTH_ID_SUCCESS2 = 0x04,
	NP_AUTH_ID_FAILURE2 = 0xf0, /* of the host's */
	NP_AUTH_ID_FAILURE1 = 0xf1, /* of the controller's */
};

enum {
	NP_CHAP_SHA256 = 1,
	NP_CHAP_SHA384 = 2,
	NP_CHAP_SHA512 = 3,
};

enum {
	NP_CHAP_NO_DH = 0,
	NP_CHAP_FFDHE2048 = 1,
	NP_CHAP_FFDHE3072 = 2,
	NP_CHAP_FFDHE4096 = 3,
	NP_CHAP_FFDHE6144 = 4,
	NP_CHAP_FFDHE8192 = 5,
};

/* Reason code explanations of a failure, whose reason code is 1. */
enum {
	NP_AUTH_FAILED = 0x01,
	NP_AUTH_NO_PROTOCOL = 0x02,
	NP_AUTH_CONCAT_MISMATCH = 0x03,
	NP_AUTH_NO_HASH = 0x04,
	NP_AUTH_NO_DH_GROUP = 0x05,
	NP_AUTH_BAD_PAYLOAD = 0x06,
	NP_AUTH_BAD_MESSAGE = 0x07,
};

/* How all of them begin. */
struct np_auth_head {
	uint8_t type, id;
	uint16_t rsvd;
	uint16_t tid; /* transaction */
} __attribute__((packed));

#define NP_AUTH_PROTOCOL_DHCHAP 1
#define NP_AUTH_IDS 30u /* room for hashes, and for groups */

struct np_auth_protocol {
	uint8_t id;
	uint8_t rsvd;
	uint8_t nhashes, ngroups;
	uint8_t hashes[NP_AUTH_IDS];
	uint8_t groups[NP_AUTH_IDS];
} __attribute__((packed));
static_assert(sizeof(struct np_auth_protocol) == 64, "protocol descriptor");

struct np_auth_negotiate {
	struct np_auth_head head;
	uint8_t sc_c; /* secure channel that is wanted: 0 for none */
	uint8_t nprotocols;
	struct np_auth_protocol protocols[];
} __attribute__((packed));
static_assert(sizeof(struct np_auth_negotiate) == 8, "AUTH_Negotiate");

struct np_auth_challenge {
	struct np_auth_head head;
	uint8_t hash_bytes;
	uint8_t rsvd;
	uint8_t hash, group;
	uint16_t dh_bytes;
	uint32_t seqnum;
	uint8_t values[]; /* the challenge, hash_bytes; the controller's public DH value */
} __attribute__((packed));
static_assert(sizeof(struct np_auth_challenge) == 16, "DH-HMAC-CHAP_Challenge");

struct np_auth_reply {
	struct np_auth_head head;
	uint8_t hash_bytes;
	uint8_t rsvd;
	uint8_t has_challenge;
	uint8_t rsvd2;
	uint16_t dh_bytes;
	uint32_t seqnum;
	uint8_t values[]; /* the response, a challenge or zeroes, the host's public DH value */
} __attribute__((packed));
static_assert(sizeof(struct np_auth_reply) == 16, "DH-HMAC-CHAP_Reply");

struct np_auth_success1 {
	struct np_auth_head head;
	uint8_t hash_bytes;
	uint8_t rsvd;
	uint8_t has_response;
	uint8_t rsvd2[7];
	uint8_t response[];
} __attribute__((packed));
static_assert(sizeof(struct np_auth_success1) == 16, "DH-HMAC-CHAP_Success1");

struct np_auth_success2 {
	struct np_auth_head head;
	uint8_t rsvd[10];
} __attribute__((packed));
static_assert(sizeof(struct np_auth_success2) == 16, "DH-HMAC-CHAP_Success2");

struct np_auth_failure {
	struct np_auth_head head;
	uint8_t reason, explanation;
} __attribute__((packed));
static_assert(sizeof(struct np_auth_failure) == 8, "AUTH_Failure");

#endif
