/* value.h - values of row scopes between text and their field's type. */
#ifndef SPSA_VALUE_H
#define SPSA_VALUE_H

extern char *value_canonical(Oid type, char *literal);
extern Datum value_from_text(Oid type, char *text);
extern Datum value_from_literal(const char *field, Oid type, char *text);
extern bool value_error_is_foreign(int code);

#endif							/* SPSA_VALUE_H */
