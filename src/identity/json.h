/* json.h - a strict reader of JSON from strangers. Free of PostgreSQL. */
#ifndef SPSA_JSON_H
#define SPSA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_VALUES 512
#define JSON_MAX_DEPTH 16

typedef enum JsonKind
{
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
} JsonKind;

/* Texts point into what was read, which was changed for it. */
typedef struct JsonNode
{
	JsonKind	kind;
	uint32_t	name_hash;
	const char *name;			/* of a member of an object */
	char	   *text;			/* of a string, decoded; of a number, as it is
								 * written */
	size_t		length;			/* of the text */
	struct JsonNode *first;		/* of the members or elements */
	struct JsonNode *last;
	struct JsonNode *next;
} JsonNode;

/* The first node is the value as a whole. */
typedef struct JsonDocument
{
	int			n;
	JsonNode	nodes[JSON_MAX_VALUES];
} JsonDocument;

extern const char *json_read(char *string, size_t length, JsonDocument *document);
extern const JsonNode *json_member(const JsonNode *object, const char *name);
extern const JsonNode *json_string_member(const JsonNode *object, const char *name);
extern bool json_is_text(const JsonNode *node, const char *string);

#endif							/* SPSA_JSON_H */
