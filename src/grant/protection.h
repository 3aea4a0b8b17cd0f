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

extern void protection_init(void);
extern const ProtectedObject *protection_of(Oid object);
extern bool protection_any(void);
extern const List *protection_sequences(void);

#endif							/* SPSA_PROTECTION_H */
