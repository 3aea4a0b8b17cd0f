/* validate.h - checking configuration rows as they are written. */
#ifndef SPSA_VALIDATE_H
#define SPSA_VALIDATE_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "fmgr.h"
#include "storage/lockdefs.h"

#include "grant/definition.h"

/* The row that a BEFORE trigger is to check. */
typedef struct NewRow
{
	HeapTuple	tuple;
	TupleDesc	desc;
	bool		inserted;
} NewRow;

extern NewRow validate_row(FunctionCallInfo fcinfo);
extern Datum validate_column(const NewRow *row, AttrNumber attnum, bool *isnull);
extern char *validate_text(const NewRow *row, AttrNumber attnum);
extern bool validate_bool(const NewRow *row, AttrNumber attnum);
extern const char *validate_name_fault(const char *name);
extern bool validate_is_new(FunctionCallInfo fcinfo, AttrNumber attnum);
extern void validate_hold_names(LOCKMODE mode);
extern void validate_object(Oid object, bool wait);
extern SetKind validate_granting_set(const NewRow *row, AttrNumber attnum);

#endif							/* SPSA_VALIDATE_H */
