/* version.h - whether the library that is loaded belongs to what is installed in this database. */
#ifndef SPSA_VERSION_H
#define SPSA_VERSION_H

#include "nodes/nodes.h"

extern void version_require(void);
extern bool version_is_changed_by(const Node *command);

#endif							/* SPSA_VERSION_H */
