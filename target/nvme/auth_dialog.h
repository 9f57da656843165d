/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auth_dialog.h - one host's proof that it knows its secret: the controller's side of DH-HMAC-CHAP.
 *
 *   host                          controller
 *     negotiate                ->
 *                              <-   challenge
 *     reply                    ->
 *                              <-   success1
 *     success2                 ->   only if the host has challenged the controller as well
 *
 * Either may say "failure" in its turn, and that is the end.
 *
 * Spec: NVM Express Base 2.0, 8.13.
 *
 * Thread: any, one at a time.
 * Depends: chap.h.
 */
#ifndef NP_NVME_AUTH_DIALOG_H
#define NP_NVME_AUTH_DIALOG_H

#include "target/nvme/chap.h"

#define NP_AUTH_MESSAGE_MAX 4096u /* bytes; the longest has 1168 */

/* What is known of a host that has to prove itself. */
struct np_auth_host {
	struct np_secret secret;      /* of the host */
	struct np_secret ctrl_secret; /* by which we prove ourselves, if the host asks */
	uint8_t hash, group;          /* NP_CHAP_, the weakest that will do */
};

enum np_auth_step {
	NP_AUTH_EXPECT_NEGOTIATE,
	NP_AUTH_SEND_CHALLENGE,
	NP_AUTH_EXPECT_REPLY,
	NP_AUTH_SEND_SUCCESS1,
	NP_AUTH_EXPECT_SUCCESS2,
	NP_AUTH_DONE,
	NP_AUTH_SEND_FAILURE1,
	NP_AUTH_FAILED_DONE, /* the host was told, or has said so itself */
};

struct np_auth_dialog {
	const char *hostnqn, *subnqn; /* borrowed */
	enum np_auth_step step;
	uint8_t explanation; /* of a failure: NP_AUTH_FAILED ... */
	uint16_t tid;
	uint8_t hash, group; /* what was agreed on */
	bool is_mutual;      /* the host asked us for a proof */
	bool is_rejected;    /* and did not believe it, or gave up otherwise */
	struct np_auth_host host;
	struct np_chap_dh *dh;
	uint32_t seqnum, ctrl_seqnum; /* of our challenge, of the host's */
	uint8_t challenge[NP_CHAP_HASH_BYTES], ctrl_challenge[NP_CHAP_HASH_BYTES];
	uint8_t shared_key[NP_CHAP_DH_BYTES];
};

/* Forgets everything but the names. To be called before a dialog that is not needed any more is freed. */
void np_auth_dialog_reset(struct np_auth_dialog *dialog);

/**
 * np_auth_dialog_hear() - the host has sent a message
 * @host: what is known of it now; NULL if there is no such host any more
 * @data: any bytes
 *
 * A dialog may be begun again at any time. What is wrong with the message becomes a failure, which the host
 * is told when it asks.
 */
void np_auth_dialog_hear(struct np_auth_dialog *dialog, const struct np_auth_host *host,
	const void *data, uint32_t bytes);

/**
 * np_auth_dialog_say() - what the host is told now
 * @data: room for @room bytes; what is not used of it is zeroed
 *
 * Return: false if there is not enough room, and nothing has happened.
 */
bool np_auth_dialog_say(struct np_auth_dialog *dialog, void *data, uint32_t room);

#endif
