/* protect.h - putting objects under spsa. */
#ifndef SPSA_PROTECT_H
#define SPSA_PROTECT_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* How a table, or another object, is protected. */
typedef struct Protection
{
	Oid			object;
	Oid			root;			/* whose permissions its policies ask for: its
								 * own, or those of the top of its tree */
	char	   *qualified;		/* quoted name with schema */
	char	   *functions;		/* quoted schema of spsa_allows_row() */
	int			nfields;
	char	  **fields;			/* names by which the policies pass columns */
	char	  **columns;		/* the columns, by their names of now */
	Datum		row_fields;		/* fields, as name[] */
	bool		raises;			/* on_denied is error */
	bool		force;
	bool		as_restrictive;
} Protection;

/* Of protect.c */
extern void protect_check_lost_policy(Oid object, const char *policy);
extern char *protect_check_owner(Oid object);
extern char *protect_lock_own(Oid object);
extern char *protect_qualified_name(Oid object);
extern char *protect_extension_schema(void);
extern bool protect_is_policy(const char *policy, const char *privilege);
extern Oid	protect_function_oid(const char *quoted_schema, bool with_fields);
extern void protect_run_ddl(const char *sql);
extern void protect_write_row(const Protection *protection);
extern void protect_make_policies(const Protection *protection);

/* Of protect_tree.c: partitions and inheritance children */
extern List *protect_tree(Oid object, LOCKMODE lockmode);
extern bool protect_find_root(Oid object, Oid *root);
extern bool protect_has_parent(Oid object);
extern void protect_check_tree(Oid object, List *tables);
extern void protect_follow_tree(const Node *command);
extern void protect_keep_fields(void);
extern void protect_inherit_fields(List *tables);

/* Of protect_object.c: what is no table */
extern void protect_object(Oid object, int nfields, bool as_restrictive);
extern void protect_object_end(Oid object);
extern void protect_require_preload(const char *name);

#endif							/* SPSA_PROTECT_H */
