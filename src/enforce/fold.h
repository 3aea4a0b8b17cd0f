/* fold.h - folding permissions into plans. */
#ifndef SPSA_FOLD_H
#define SPSA_FOLD_H

#include "nodes/pathnodes.h"

extern bool fold_reads_a_table(const PlannerInfo *root);

#endif							/* SPSA_FOLD_H */
