/* shape.h - what a session's effective sets amount to for one object and privilege. */
#ifndef SPSA_SHAPE_H
#define SPSA_SHAPE_H

#include "grant/effective.h"

/* How a session has an attribute: part of the shape, for it decides which expression compares with it. */
typedef enum AttributeForm
{
	ATTRIBUTE_SCALAR,
	ATTRIBUTE_ARRAY
} AttributeForm;

typedef struct ShapeAttribute
{
	char	   *name;
	AttributeForm form;
} ShapeAttribute;

/* field operator any of values */
typedef struct ShapeTest
{
	char	   *field;
	Oid			field_type;
	ScopeOperator operator;
	List	   *literals;		/* of char *, sorted, each once */
	List	   *attributes;		/* of ShapeAttribute *, sorted, each once */
} ShapeTest;

/* All tests must hold. */
typedef struct ShapeArm
{
	List	   *tests;			/* of ShapeTest *, sorted */
	char	   *key;			/* canonical text */
} ShapeArm;

/* Equal shapes have equal ids. */
typedef struct Shape
{
	uint64		id;
	Reach		reach;
	List	   *arms;			/* of ShapeArm *: one must hold, if reach is
								 * REACH_SOME */
} Shape;

/* What can be asked about a session. The kinds up to PRIVILEGE_COUNT are privileges on an object. */
typedef enum QuestionKind
{
	QUESTION_FIELD_READ = PRIVILEGE_COUNT,
	QUESTION_FIELD_EDIT,
	QUESTION_FIELD_CREATE,		/* to write it in a new row */
	QUESTION_FUNCTION,
	QUESTION_PERMISSION
} QuestionKind;

#define QUESTION_KINDS (QUESTION_PERMISSION + 1)

typedef struct Question
{
	uint32		kind;
	uint32		subject;		/* object, function or custom permission */
	uint32		field;			/* number of a column, or 0 */
} Question;

#define SHAPE_NONE_ID 1
#define SHAPE_ALL_ID 2

extern void shape_init(void);
extern bool shape_same_group(const ShapeTest *a, const ShapeTest *b);
extern ShapeArm *shape_arm(const SessionEntry *entry, const ObjectGrant *grant, Privilege privilege);
extern bool shape_is_hopeless(const ShapeArm *arm);
extern uint64 shape_names_epoch(void);
extern void shape_hold(void);
extern void shape_release(void);
extern const Shape *shape_none(void);
extern Question question_object(Oid object, Privilege privilege);
extern Shape *shape_suppose(const SessionEntry *entry, Oid object, Privilege privilege);
extern bool shape_equal(const Shape *a, const Shape *b);
extern const Shape *shape_of(SessionEntry *entry, const Question *question);

#endif							/* SPSA_SHAPE_H */
