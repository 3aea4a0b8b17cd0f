/* chain.h - what links audit events to each other. */
#ifndef SPSA_CHAIN_H
#define SPSA_CHAIN_H

#include "access/tupdesc.h"

#include "base/crypto.h"

extern void chain_hash(TupleDesc desc, int ncolumns, const Datum *values, const bool *nulls, uint8 hash[CRYPTO_HASH_BYTES]);
extern void chain_sha256(const void *data, size_t len, uint8 hash[CRYPTO_HASH_BYTES]);

#endif							/* SPSA_CHAIN_H */
