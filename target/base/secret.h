/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret.h - what a host, or a subsystem, knows and does not say.
 *
 * Thread: any, pure.
 * Depends: libcrypto.
 */
#ifndef NP_BASE_SECRET_H
#define NP_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define NP_SECRET_BYTES_MAX 64u

/* No bytes: there is none. */
struct np_secret {
	uint8_t hash;  /* by which it is bound to a name, NP_CHAP_; 0: used as it is */
	uint8_t bytes; /* 32, 48 or 64 */
	uint8_t value[NP_SECRET_BYTES_MAX];
};

/**
 * np_secret_parse() - read a secret as nvme-cli writes it
 * @text: "DHHC-1:", hash 00 to 03, ":", base64 of secret and CRC-32, ":"
 *
 * Spec: NVM Express Base 2.0, 8.13.5.8. Return: NULL, or what is wrong.
 */
const char *np_secret_parse(const char *text, struct np_secret *ret_secret);

/* Overwrites what nobody is to find. */
void np_secret_forget(void *value, size_t bytes);

#endif
