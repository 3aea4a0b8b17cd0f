/* rotation.h - tokens that replace others. */
#ifndef SPSA_ROTATION_H
#define SPSA_ROTATION_H

#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "base/crypto.h"

extern void rotation_init(void);
extern void rotation_newest_hash(const pg_uuid_t *session_id, Snapshot snapshot, uint8_t hash[CRYPTO_HASH_BYTES]);
extern bool rotation_find_session(const uint8_t hash[CRYPTO_HASH_BYTES], Snapshot snapshot, pg_uuid_t *session_id);

#endif							/* SPSA_ROTATION_H */
