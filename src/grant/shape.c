/* shape.c - what a session's effective sets amount to for one object and privilege.
 *
 * A shape is TRUE, FALSE, or a canonical list of arms in which literals stand as text and attributes by name: it depends
 * on which sets are effective, not on who asks. Equal shapes are kept once. Their identifier is a hash (SHA-256, shortened)
 * of the arms, so that comparing what a plan was made for with what holds now is comparing numbers, whatever was thrown
 * away in between.
 *
 * Memory: shapes live in shape_context. When there are too many, all are thrown away. A pointer to a shape is good until
 * the next call of shape_of(), or as long as shapes are held.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/crypto.h"
#include "grant/shape.h"

#define MAX_SHAPES 4096
#define MAX_SHAPE_BYTES (16 * 1024 * 1024)

typedef struct ShapeSlot
{
	char	   *key;			/* canonical text; the table's key is this
								 * pointer's target */
	Shape	   *shape;
} ShapeSlot;

static MemoryContext shape_context = NULL;
static HTAB *shapes = NULL;
static uint64 generation = 1;	/* of shape_context */
static int	held = 0;
static uint64 names = 1;		/* moves when functions or columns may have
								 * got other names */

static Shape none = {SHAPE_NONE_ID, REACH_NONE, NIL};
static Shape all = {SHAPE_ALL_ID, REACH_ALL, NIL};

/* Per session: shapes asked for so far. */
typedef struct Decision
{
	Question	question;
	char		status;			/* simplehash's */
	uint64		generation;
	uint64		names;			/* for questions about what has a name */
	const Shape *shape;
} Decision;

static inline uint32
question_hash(Question question)
{
	return murmurhash32(hash_combine(question.subject * QUESTION_KINDS + question.kind, question.field));
}

#define SH_PREFIX decision
#define SH_ELEMENT_TYPE Decision
#define SH_KEY_TYPE Question
#define SH_KEY question
#define SH_HASH_KEY(table, its) question_hash(its)
#define SH_EQUAL(table, a, b) ((a).subject == (b).subject && (a).kind == (b).kind && (a).field == (b).field)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint32
slot_hash(const void *key, Size size)
{
	const char *text = *(char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
slot_match(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
make_table(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(char *);
	control.entrysize = sizeof(ShapeSlot);
	control.hash = slot_hash;
	control.match = slot_match;
	control.hcxt = shape_context;
	shapes = hash_create("spsa shapes", 128, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

static int
compare_attributes(const ListCell *a, const ListCell *b)
{
	return strcmp(((const ShapeAttribute *) lfirst(a))->name, ((const ShapeAttribute *) lfirst(b))->name);
}

static int
compare_tests(const ListCell *a, const ListCell *b)
{
	const ShapeTest *x = lfirst(a);
	const ShapeTest *y = lfirst(b);
	int			order = strcmp(x->field, y->field);

	if (order == 0)
		order = (int) x->operator - (int) y->operator;
	return order != 0 ? order : (x->field_type > y->field_type) - (x->field_type < y->field_type);
}

static int
compare_arms(const ListCell *a, const ListCell *b)
{
	return strcmp(((const ShapeArm *) lfirst(a))->key, ((const ShapeArm *) lfirst(b))->key);
}

/* Sorted, each once. */
static List *
unique_names(List *names)
{
	List	   *result = NIL;
	ListCell   *cell;

	list_sort(names, compare_names);
	foreach(cell, names)
	{
		if (result == NIL || strcmp(lfirst(cell), llast(result)) != 0)
			result = lappend(result, lfirst(cell));
	}
	return result;
}

static List *
unique_attributes(List *attributes)
{
	List	   *result = NIL;
	ListCell   *cell;

	list_sort(attributes, compare_attributes);
	foreach(cell, attributes)
	{
		if (result == NIL || strcmp(((ShapeAttribute *) lfirst(cell))->name, ((ShapeAttribute *) llast(result))->name) != 0)
			result = lappend(result, lfirst(cell));
	}
	return result;
}

/* An attribute that the session does not have gives no value. */
static void
add_attribute(ShapeTest *test, const SessionEntry *entry, char *name)
{
	JsonbValue *value = session_attribute_value(entry, name);
	ShapeAttribute *attribute;

	if (value == NULL || value->type == jbvNull)
		return;
	attribute = palloc(sizeof(ShapeAttribute));
	attribute->name = name;
	attribute->form = value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) ?
		ATTRIBUTE_ARRAY : ATTRIBUTE_SCALAR;
	test->attributes = lappend(test->attributes, attribute);
}

/*
 * Values of one field and operator add by OR. Scopes whose field had different types when they were written are tests of
 * one group too, of which at most one type can match: group_of() in the policy sees to that.
 */
static ShapeTest *
test_for(List **tests, const RowScope *scope)
{
	ListCell   *cell;
	ShapeTest  *test;

	foreach(cell, *tests)
	{
		test = lfirst(cell);
		if (test->operator == scope->operator && test->field_type == scope->field_type &&
			strcmp(test->field, NameStr(scope->field)) == 0)
			return test;
	}
	test = palloc0(sizeof(ShapeTest));
	test->field = pstrdup(NameStr(scope->field));
	test->field_type = scope->field_type;
	test->operator = scope->operator;
	*tests = lappend(*tests, test);
	return test;
}

static void
append_text(StringInfo key, const char *text)
{
	appendStringInfo(key, "%zu:%s", strlen(text), text);
}

static char *
arm_key(const ShapeArm *arm)
{
	StringInfoData key;
	ListCell   *cell;
	ListCell   *value;

	initStringInfo(&key);
	foreach(cell, arm->tests)
	{
		const ShapeTest *test = lfirst(cell);

		append_text(&key, test->field);
		appendStringInfo(&key, "/%u/%d(", test->field_type, (int) test->operator);
		foreach(value, test->literals)
			append_text(&key, lfirst(value));
		appendStringInfoChar(&key, '|');
		foreach(value, test->attributes)
		{
			const ShapeAttribute *attribute = lfirst(value);

			append_text(&key, attribute->name);
			appendStringInfoChar(&key, attribute->form == ATTRIBUTE_ARRAY ? 'a' : 's');
		}
		appendStringInfoChar(&key, ')');
	}
	return key.data;
}

static ShapeArm *
make_arm(const SessionEntry *entry, const ObjectGrant *grant, Privilege privilege)
{
	ShapeArm   *arm = palloc0(sizeof(ShapeArm));
	ListCell   *cell;

	foreach(cell, grant->scopes)
	{
		const RowScope *scope = lfirst(cell);
		ShapeTest  *test;

		if ((scope->privileges & PRIVILEGE_BIT(privilege)) == 0)
			continue;
		test = test_for(&arm->tests, scope);
		for (int i = 0; i < scope->nliterals; i++)
			test->literals = lappend(test->literals, scope->literals[i]);
		if (scope->attribute != NULL)
			add_attribute(test, entry, scope->attribute);
	}
	foreach(cell, arm->tests)
	{
		ShapeTest  *test = lfirst(cell);

		test->literals = unique_names(test->literals);
		test->attributes = unique_attributes(test->attributes);
	}
	list_sort(arm->tests, compare_tests);
	arm->key = arm_key(arm);
	return arm;
}

bool
shape_same_group(const ShapeTest *a, const ShapeTest *b)
{
	return a->operator == b->operator && strcmp(a->field, b->field) == 0;
}

/* For explanations: the arm of one grant, in the caller's memory. */
ShapeArm *
shape_arm(const SessionEntry *entry, const ObjectGrant *grant, Privilege privilege)
{
	return make_arm(entry, grant, privilege);
}

/* Whether some (field, operator) of the arm has no value at all, so that no row can match. */
bool
shape_is_hopeless(const ShapeArm *arm)
{
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, arm->tests)
	{
		const ShapeTest *test = lfirst(cell);
		bool		has_value = test->operator == SCOPE_IS_NULL;

		foreach(other, arm->tests)
		{
			const ShapeTest *same = lfirst(other);

			if (shape_same_group(test, same) && (same->literals != NIL || same->attributes != NIL))
				has_value = true;
		}
		if (!has_value)
			return true;
	}
	return arm->tests == NIL;
}

/* The arm of which another one is only a further list of values, or NULL. */
static ShapeArm *
find_mergeable(List *arms, const ShapeArm *arm)
{
	const ShapeTest *test = linitial(arm->tests);
	ListCell   *cell;

	if (list_length(arm->tests) != 1 || test->operator != SCOPE_EQUAL)
		return NULL;
	foreach(cell, arms)
	{
		ShapeArm   *other = lfirst(cell);
		const ShapeTest *its = linitial(other->tests);

		if (list_length(other->tests) == 1 && shape_same_group(test, its) && its->field_type == test->field_type)
			return other;
	}
	return NULL;
}

static void
merge(ShapeArm *into, const ShapeArm *arm)
{
	ShapeTest  *test = linitial(into->tests);
	const ShapeTest *more = linitial(arm->tests);

	test->literals = unique_names(list_concat(test->literals, more->literals));
	test->attributes = unique_attributes(list_concat(test->attributes, more->attributes));
	into->key = arm_key(into);
}

static List *
make_arms(const SessionEntry *entry, Oid object, Privilege privilege)
{
	List	   *arms = NIL;
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, effective_scoped_grants(entry, object, privilege))
	{
		ShapeArm   *arm = make_arm(entry, lfirst(cell), privilege);
		ShapeArm   *other;

		if (shape_is_hopeless(arm))
			continue;
		other = find_mergeable(arms, arm);
		if (other != NULL)
			merge(other, arm);
		else
			arms = lappend(arms, arm);
	}
	list_sort(arms, compare_arms);
	foreach(cell, arms)
	{
		if (result == NIL || strcmp(((ShapeArm *) lfirst(cell))->key, ((ShapeArm *) llast(result))->key) != 0)
			result = lappend(result, lfirst(cell));
	}
	return result;
}

/* Copies into the current memory context. */
static List *
copy_texts(List *texts)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, texts)
		result = lappend(result, pstrdup(lfirst(cell)));
	return result;
}

static ShapeArm *
copy_arm(const ShapeArm *arm)
{
	ShapeArm   *copy = palloc0(sizeof(ShapeArm));
	ListCell   *cell;
	ListCell   *value;

	copy->key = NULL;
	foreach(cell, arm->tests)
	{
		const ShapeTest *test = lfirst(cell);
		ShapeTest  *its = palloc(sizeof(ShapeTest));

		*its = *test;
		its->field = pstrdup(test->field);
		its->literals = copy_texts(test->literals);
		its->attributes = NIL;
		foreach(value, test->attributes)
		{
			ShapeAttribute *attribute = palloc(sizeof(ShapeAttribute));

			*attribute = *(ShapeAttribute *) lfirst(value);
			attribute->name = pstrdup(attribute->name);
			its->attributes = lappend(its->attributes, attribute);
		}
		copy->tests = lappend(copy->tests, its);
	}
	return copy;
}

/* While foreign code runs, which may ask for shapes itself, none is thrown away. */
void
shape_hold(void)
{
	held++;
}

void
shape_release(void)
{
	held--;
}

static void
make_room(void)
{
	if (held > 0)
		return;
	if (hash_get_num_entries(shapes) < MAX_SHAPES && MemoryContextMemAllocated(shape_context, true) < MAX_SHAPE_BYTES)
		return;
	MemoryContextReset(shape_context);
	generation++;
	make_table();
}

/* Never one of the two that are not lists of arms. */
static uint64
content_id(const char *text, size_t len)
{
	uint8_t		hash[CRYPTO_HASH_BYTES];
	uint64		id;

	if (!crypto_sha256(text, len, hash))
		elog(ERROR, "could not compute SHA-256");
	memcpy(&id, hash, sizeof(id));
	return id <= SHAPE_ALL_ID ? id + SHAPE_ALL_ID + 1 : id;
}

/* The one shape that has these arms. */
static const Shape *
intern(List *arms)
{
	StringInfoData key;
	char	   *text;
	uint64		id;
	ShapeSlot  *slot;
	Shape	   *shape;
	MemoryContext caller;
	ListCell   *cell;

	initStringInfo(&key);
	foreach(cell, arms)
		append_text(&key, ((ShapeArm *) lfirst(cell))->key);
	text = key.data;

	id = content_id(text, key.len);

	slot = hash_search(shapes, &text, HASH_FIND, NULL);
	if (slot != NULL)
		return slot->shape;

	make_room();
	caller = MemoryContextSwitchTo(shape_context);
	shape = palloc0(sizeof(Shape));
	shape->reach = REACH_SOME;
	foreach(cell, arms)
		shape->arms = lappend(shape->arms, copy_arm(lfirst(cell)));
	text = pstrdup(text);

	slot = hash_search(shapes, &text, HASH_ENTER, NULL);
	shape->id = id;
	slot->shape = shape;
	MemoryContextSwitchTo(caller);
	return shape;
}

/* The shape of a session that has nothing, or of no session. */
const Shape *
shape_none(void)
{
	return &none;
}

/* The same as shape_of() of an object, for what is supposed only: in the caller's memory, and kept nowhere. */
Shape *
shape_suppose(const SessionEntry *entry, Oid object, Privilege privilege)
{
	Shape	   *shape = palloc0(sizeof(Shape));

	shape->reach = effective_reach(entry, object, privilege);
	if (shape->reach == REACH_SOME)
	{
		shape->arms = make_arms(entry, object, privilege);
		if (shape->arms == NIL)
			shape->reach = REACH_NONE;
	}
	return shape;
}

/* Whether two such shapes are the same. */
bool
shape_equal(const Shape *a, const Shape *b)
{
	ListCell   *one;
	ListCell   *other;

	if (a->reach != b->reach || list_length(a->arms) != list_length(b->arms))
		return false;
	forboth(one, a->arms, other, b->arms)
	{
		if (strcmp(((const ShapeArm *) lfirst(one))->key, ((const ShapeArm *) lfirst(other))->key) != 0)
			return false;
	}
	return true;
}

static const Shape *
make_object_shape(const SessionEntry *entry, Oid object, Privilege privilege)
{
	MemoryContext scratch;
	MemoryContext caller;
	List	   *arms;
	const Shape *shape;

	switch (effective_reach(entry, object, privilege))
	{
		case REACH_NONE:
			return &none;
		case REACH_ALL:
			return &all;
		case REACH_SOME:
			break;
	}
	scratch = AllocSetContextCreate(CurrentMemoryContext, "spsa shape", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	arms = make_arms(entry, object, privilege);
	shape = arms == NIL ? &none : intern(arms);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return shape;
}

static const Shape *
make_shape(const SessionEntry *entry, const Question *question)
{
	bool		granted = false;

	if (question->kind < PRIVILEGE_COUNT)
		return make_object_shape(entry, question->subject, (Privilege) question->kind);
	switch ((QuestionKind) question->kind)
	{
		case QUESTION_FIELD_READ:
			granted = effective_field(entry, question->subject, (AttrNumber) question->field, PRIVILEGE_READ);
			break;
		case QUESTION_FIELD_EDIT:
			granted = effective_field(entry, question->subject, (AttrNumber) question->field, PRIVILEGE_EDIT);
			break;
		case QUESTION_FIELD_CREATE:
			granted = effective_field(entry, question->subject, (AttrNumber) question->field, PRIVILEGE_CREATE);
			break;
		case QUESTION_FUNCTION:
			granted = effective_function(entry, question->subject);
			break;
		case QUESTION_PERMISSION:
			granted = effective_permission(entry, (int32) question->subject);
			break;
	}
	return granted ? &all : &none;
}

Question
question_object(Oid object, Privilege privilege)
{
	Question	question = {privilege, object, 0};

	return question;
}

const Shape *
shape_of(SessionEntry *entry, const Question *question)
{
	decision_hash *decisions = entry->decisions;
	Decision   *decision;
	const Shape *shape;
	uint64		names_before;
	bool		found;

	if (decisions == NULL)
		decisions = entry->decisions = decision_create(entry->context, 8, NULL);
	decision = decision_lookup(decisions, *question);
	if (decision != NULL && decision->generation == generation && (decision->names == names || question->kind < PRIVILEGE_COUNT))
		return decision->shape;

	names_before = names;
	shape = make_shape(entry, question);
	decision = decision_insert(decisions, *question, &found);
	decision->names = names_before;
	decision->shape = shape;
	decision->generation = generation;
	return shape;
}

/* Moves when answers to questions about functions and columns may have changed without a signal. */
uint64
shape_names_epoch(void)
{
	return names;
}

/* Permissions on functions and fields hold for what has their name; no signal tells of a renaming. */
static void
names_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	names++;
}

void
shape_init(void)
{
	shape_context = AllocSetContextCreate(TopMemoryContext, "spsa shapes", ALLOCSET_DEFAULT_SIZES);
	make_table();
	CacheRegisterSyscacheCallback(PROCOID, names_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(ATTNUM, names_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, names_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, names_changed, (Datum) 0);
}
