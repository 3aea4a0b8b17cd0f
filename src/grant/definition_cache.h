/* definition_cache.h - what permission sets grant, kept for all sessions of a backend. */
#ifndef SPSA_DEFINITION_CACHE_H
#define SPSA_DEFINITION_CACHE_H

#include "grant/definition.h"

/* Reads definitions as one snapshot sees them. */
typedef struct DefinitionReader
{
	Snapshot	snapshot;
	uint64		count;			/* of signals, before the snapshot was taken */
	bool		settled;		/* what is kept may be used */
} DefinitionReader;

extern void definition_cache_init(void);
extern DefinitionReader definition_reader(Snapshot snapshot, uint64 count);
extern const Definition *definition_get(const DefinitionReader *reader, int32 set_id, MemoryContext user);

#endif							/* SPSA_DEFINITION_CACHE_H */
