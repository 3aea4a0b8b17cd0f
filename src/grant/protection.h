/* protection.h - what is protected, whoever asks and without a session too. */
#ifndef SPSA_PROTECTION_H
#define SPSA_PROTECTION_H

#include "grant/definition.h"

/* A relation of which something is protected. */
typedef struct ProtectedObject
{
	Oid			object;			/* key */
	bool		listed;			/* itself, by spsa_protect(); else only fields */
	bool		raises;			/* on_denied is error */
	bool		force;			/* for its owner too, where row-level security
								 * does not say so */
	List	   *fields;			/* of FieldGrant * */
	Oid			root;			/* with which it is protected, or InvalidOid */
	List	   *root_fields;	/* those of the table that it is protected
								 * with: by name they are its own */
} ProtectedObject;

/* For the many statements that ask nothing of us. */
#define PROTECTION_FILTER_SIZE 1024

typedef struct ProtectionGlance
{
	bool		fresh;			/* nothing has come in since that could say
								 * otherwise */
	bool		sequences;		/* some are protected */
	bool		filter[PROTECTION_FILTER_SIZE]; /* by OIDs of objects: false,
												 * none of these is */
} ProtectionGlance;

extern ProtectionGlance protection_glance;

/* False: the object is not protected. True: ask protection_of(). */
static inline bool
protection_may_concern(Oid object)
{
	return !protection_glance.fresh || protection_glance.filter[object % PROTECTION_FILTER_SIZE];
}

extern void protection_init(void);
extern const ProtectedObject *protection_of(Oid object);
extern bool protection_any(void);
extern const List *protection_sequences(void);

#endif							/* SPSA_PROTECTION_H */
