// SPDX-License-Identifier: BSD-3-Clause
/*
 * secret.c - secrets as text.
 *
 * Thread: any, pure.
 * Depends: libcrypto.
 */
#include "target/base/secret.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "target/base/le.h"

#define NP_SECRET_PREFIX "DHHC-1:"
#define NP_SECRET_CRC_BYTES 4u
#define NP_SECRET_BASE64_MAX 92u /* of 64 bytes and the CRC */

/* The CRC-32 of zlib and Ethernet. */
static uint32_t np_secret_crc32(const uint8_t *data, size_t bytes)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < bytes; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* Return: bytes of @ret_data, or 0 if @text is no base64. */
static size_t np_secret_decode(const char *text, size_t len, uint8_t *ret_data)
{
	int bytes;

	if (!len || len % 4 || len > NP_SECRET_BASE64_MAX)
		return 0;
	bytes = EVP_DecodeBlock(ret_data, (const unsigned char *)text, (int)len);
	/* What stands for the padding is counted. */
	while (bytes > 0 && text[len - 1] == '=') {
		bytes--;
		len--;
	}
	return bytes > 0 ? (size_t)bytes : 0;
}

/* Return: NULL, or what is wrong with the @bytes at @data, of which the last are the CRC. */
static const char *np_secret_take(
	const uint8_t *data, size_t bytes, uint8_t hash, struct np_secret *ret_secret)
{
	uint32_t crc_le;

	if (bytes != 32 + NP_SECRET_CRC_BYTES && bytes != 48 + NP_SECRET_CRC_BYTES &&
		bytes != 64 + NP_SECRET_CRC_BYTES)
		return "is not the base64 of 32, 48 or 64 bytes and a checksum";
	bytes -= NP_SECRET_CRC_BYTES;
	memcpy(&crc_le, data + bytes, sizeof(crc_le));
	if (np_le32(crc_le) != np_secret_crc32(data, bytes))
		return "has a wrong checksum";
	if (hash && bytes != 16u + 16u * hash)
		return "has not the length of its hash";
	ret_secret->hash = hash;
	ret_secret->bytes = (uint8_t)bytes;
	memcpy(ret_secret->value, data, bytes);
	return NULL;
}

const char *np_secret_parse(const char *text, struct np_secret *ret_secret)
{
	static const size_t prefix = sizeof(NP_SECRET_PREFIX) - 1;
	uint8_t data[NP_SECRET_BASE64_MAX];
	const char *why, *base64;
	size_t len;

	memset(ret_secret, 0, sizeof(*ret_secret));
	if (strncmp(text, NP_SECRET_PREFIX, prefix) != 0 || text[prefix] != '0' ||
		text[prefix + 1] < '0' || text[prefix + 1] > '3' || text[prefix + 2] != ':')
		return "is not of the form \"DHHC-1:00:...:\"";
	base64 = text + prefix + 3;
	len = strcspn(base64, ":");
	if (strcmp(base64 + len, ":") != 0)
		return "does not end with one \":\"";
	why = np_secret_take(data, np_secret_decode(base64, len, data),
		(uint8_t)(text[prefix + 1] - '0'), ret_secret);
	np_secret_forget(data, sizeof(data));
	return why;
}

void np_secret_forget(void *value, size_t bytes)
{
	OPENSSL_cleanse(value, bytes);
}
