/* count_rows.h - how many rows of a table shapes reach. */
#ifndef SPSA_COUNT_ROWS_H
#define SPSA_COUNT_ROWS_H

#include "grant/shape.h"

/* Why rows are not counted, or NULL. */
extern const char *count_rows_obstacle(Oid object);
extern bool count_rows(Oid object, SessionEntry *entry, const Shape *shape, int64 limit, int64 *rows);

#endif							/* SPSA_COUNT_ROWS_H */
