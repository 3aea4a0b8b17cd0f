/* jwt_session.h - whether the issuer of the JWT by which a session was opened is still trusted. */
#ifndef SPSA_JWT_SESSION_H
#define SPSA_JWT_SESSION_H

#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "base/crypto_signature.h"

extern bytea *jwt_session_key_digest(const CryptoKey *key);
extern bool jwt_session_is_trusted(const pg_uuid_t *session_id, Snapshot snapshot);
extern bool jwt_session_is_unsettled(const pg_uuid_t *session_id, Snapshot snapshot);

#endif							/* SPSA_JWT_SESSION_H */
