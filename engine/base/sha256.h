/* sha256.h - FIPS 180-4, for model identities, rolling cache keys and journals. */
#ifndef SAINT_BASE_SHA256_H
#define SAINT_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} saint_sha256;

typedef struct {
    uint8_t byte[32];
} saint_digest;

void saint_sha256_init(saint_sha256 *s);
void saint_sha256_update(saint_sha256 *s, const void *data, size_t n);
saint_digest saint_sha256_final(saint_sha256 *s);
/* Take n blocks of 64 bytes into h, in plain C: what CPUs without instructions for it run. */
void saint_sha256_blocks(uint32_t h[8], const uint8_t *p, size_t n);
void saint_digest_hex(const saint_digest *d, char out[65]);

#endif
