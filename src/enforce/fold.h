/* fold.h - folding permissions into plans. */
#ifndef SPSA_FOLD_H
#define SPSA_FOLD_H

#include "nodes/pathnodes.h"

#include "grant/shape.h"

extern bool fold_reads_a_table(const PlannerInfo *root);
extern Node *fold_supposed(const FuncExpr *call, SessionEntry *entry, const Shape *shape);

#endif							/* SPSA_FOLD_H */
