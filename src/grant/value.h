/* value.h - values of row scopes between text and their field's type. */
#ifndef SPSA_VALUE_H
#define SPSA_VALUE_H

#include "identity/session.h"

extern char *value_canonical(Oid type, char *literal);
extern bool value_input_is_immutable(Oid type);
extern int	value_constants(SessionEntry *entry, const char *attribute, Oid type, const Datum **values);
extern uint64 value_digest(SessionEntry *entry);
extern Datum value_from_text(Oid type, char *text);
extern int	value_from_attribute(SessionEntry *entry, const char *attribute, Oid type, Datum **values);
extern Datum value_from_literal(const char *field, Oid type, char *text);

#endif							/* SPSA_VALUE_H */
