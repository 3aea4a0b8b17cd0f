/* json.c - a strict reader of JSON from strangers (RFC 8259).
 *
 * PostgreSQL's own parser is not used here: it takes duplicate members, recurses before it looks at the depth, raises errors of
 * its own (characters that the server's encoding does not have), and outside the server does something else than inside.
 *
 * Refused beyond what the grammar refuses: duplicate names within an object, after their escapes are decoded; U+0000, in
 * whatever form; invalid UTF-8 and lone surrogates; more than JSON_MAX_DEPTH levels and JSON_MAX_VALUES values; anything but
 * white space after the value. So texts are C strings.
 *
 * Invariant: takes bytes and returns results; no tables, no ereport, no allocation. Strings are decoded in place, which never
 * makes them longer; their end takes the place of the closing quote. The costs are bounded by the two limits.
 */
#include <string.h>

#include "base/crypto.h"
#include "identity/json.h"

typedef struct Reader
{
	char	   *at;
	const char *end;
	JsonDocument *document;
	int			depth;
	const char *fault;			/* the first one, or NULL */
} Reader;

static JsonNode *read_value(Reader *r);

static void *
fail(Reader *r, const char *fault)
{
	if (r->fault == NULL)
		r->fault = fault;
	return NULL;
}

static void
skip_space(Reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

/* Takes the character if it is the next one. */
static bool
take(Reader *r, char c)
{
	if (r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* The four digits of an escape; -1 if they are none. */
static int32_t
read_hex(Reader *r)
{
	int32_t		value = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int			digit = crypto_hex_digit(*r->at++);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* The code point of an escape after its \u; -1 if there is none. */
static int32_t
read_code_point(Reader *r)
{
	int32_t		high = read_hex(r);
	int32_t		low;

	if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF))
		return -1;
	if (high < 0xD800 || high > 0xDBFF)
		return high;
	if (!take(r, '\\') || !take(r, 'u'))
		return -1;
	low = read_hex(r);
	if (low < 0xDC00 || low > 0xDFFF)
		return -1;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static char *
write_utf8(char *to, int32_t c)
{
	if (c < 0x80)
		*to++ = (char) c;
	else if (c < 0x800)
	{
		*to++ = (char) (0xC0 | (c >> 6));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	else if (c < 0x10000)
	{
		*to++ = (char) (0xE0 | (c >> 12));
		*to++ = (char) (0x80 | ((c >> 6) & 0x3F));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	else
	{
		*to++ = (char) (0xF0 | (c >> 18));
		*to++ = (char) (0x80 | ((c >> 12) & 0x3F));
		*to++ = (char) (0x80 | ((c >> 6) & 0x3F));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	return to;
}

/* How many bytes the character has; 0 if it is no valid UTF-8 (RFC 3629, section 4). */
static int
utf8_length(const unsigned char *s, size_t rest)
{
	int			n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;

	if (n == 0 || rest < (size_t) n)
		return 0;
	for (int i = 1; i < n; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
		(s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return n;
}

/* After the backslash; where the next character goes, or NULL. */
static char *
read_escape(Reader *r, char *to)
{
	static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	int32_t		c;

	if (take(r, 'u'))
	{
		c = read_code_point(r);
		return c < 0 ? fail(r, "an escape that is no character") : write_utf8(to, c);
	}
	for (int i = 0; r->at < r->end && escapes[i] != '\0'; i += 2)
	{
		if (*r->at == escapes[i])
		{
			r->at++;
			*to++ = escapes[i + 1];
			return to;
		}
	}
	return fail(r, "an unknown escape");
}

/* After the opening quote. */
static char *
read_string(Reader *r, size_t *length)
{
	char	   *start = r->at;
	char	   *to = start;

	while (r->at < r->end && *r->at != '"')
	{
		int			n;

		if (take(r, '\\'))
		{
			to = read_escape(r, to);
			if (to == NULL)
				return NULL;
			continue;
		}
		if ((unsigned char) *r->at < 0x20)
			return fail(r, "a control character in a string");
		n = utf8_length((const unsigned char *) r->at, r->end - r->at);
		if (n == 0)
			return fail(r, "invalid UTF-8");
		memmove(to, r->at, n);
		to += n;
		r->at += n;
	}
	if (!take(r, '"'))
		return fail(r, "a string without end");
	*to = '\0';
	*length = to - start;
	return start;
}

static bool
take_digits(Reader *r)
{
	char	   *start = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > start;
}

static bool
read_number(Reader *r)
{
	(void) take(r, '-');
	if (!take(r, '0') && !take_digits(r))
		return false;
	if (take(r, '.') && !take_digits(r))
		return false;
	if (take(r, 'e') || take(r, 'E'))
	{
		if (!take(r, '-'))
			(void) take(r, '+');
		return take_digits(r);
	}
	return true;
}

/* What is no value is told by what comes next, which then is none of the structure's characters. */
static void
read_scalar(Reader *r, JsonNode *node)
{
	static const struct
	{
		const char *text;
		JsonKind	kind;
	}			words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};

	node->text = r->at;
	for (int i = 0; i < 3; i++)
	{
		size_t		n = strlen(words[i].text);

		if ((size_t) (r->end - r->at) >= n && memcmp(r->at, words[i].text, n) == 0)
		{
			node->kind = words[i].kind;
			r->at += n;
			return;
		}
	}
	node->kind = JSON_NUMBER;
	if (!read_number(r))
		fail(r, "no value where there should be one");
	node->length = r->at - node->text;
}

/* FNV-1a: most names are told apart by it. */
static uint32_t
hash_name(const char *name)
{
	uint32_t	hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char) *name) * 16777619u;
	return hash;
}

static const JsonNode *
find_member(const JsonNode *object, const char *name, uint32_t hash)
{
	for (const JsonNode *node = object->first; node != NULL; node = node->next)
	{
		if (node->name_hash == hash && strcmp(node->name, name) == 0)
			return node;
	}
	return NULL;
}

/* The name of a member and its colon. */
static const char *
read_name(Reader *r)
{
	const char *name;
	size_t		length;

	skip_space(r);
	if (!take(r, '"'))
		return fail(r, "a member without name");
	name = read_string(r, &length);
	skip_space(r);
	if (name != NULL && !take(r, ':'))
		return fail(r, "a name without value");
	return name;
}

/* A member or element of the node. */
static void
read_part(Reader *r, JsonNode *whole)
{
	const char *name = NULL;
	uint32_t	hash = 0;
	JsonNode   *part;

	if (whole->kind == JSON_OBJECT)
	{
		name = read_name(r);
		if (name == NULL)
			return;
		hash = hash_name(name);
		if (find_member(whole, name, hash) != NULL)
		{
			fail(r, "a duplicate member");
			return;
		}
	}
	part = read_value(r);
	if (part == NULL)
		return;
	part->name = name;
	part->name_hash = hash;
	if (whole->last == NULL)
		whole->first = part;
	else
		whole->last->next = part;
	whole->last = part;
}

/* After the opening bracket. */
static void
read_parts(Reader *r, JsonNode *node, char closing)
{
	skip_space(r);
	if (take(r, closing))
		return;
	if (++r->depth > JSON_MAX_DEPTH)
		fail(r, "too many levels");
	while (r->fault == NULL)
	{
		read_part(r, node);
		skip_space(r);
		if (take(r, closing))
			break;
		if (!take(r, ','))
			fail(r, "neither a comma nor an end");
	}
	r->depth--;
}

/* NULL after a fault. */
static JsonNode *
read_value(Reader *r)
{
	JsonNode   *node;

	if (r->document->n >= JSON_MAX_VALUES)
		return fail(r, "too many values");
	node = &r->document->nodes[r->document->n++];
	memset(node, 0, sizeof(*node));
	skip_space(r);
	if (take(r, '{'))
	{
		node->kind = JSON_OBJECT;
		read_parts(r, node, '}');
	}
	else if (take(r, '['))
	{
		node->kind = JSON_ARRAY;
		read_parts(r, node, ']');
	}
	else if (take(r, '"'))
	{
		node->kind = JSON_STRING;
		node->text = read_string(r, &node->length);
	}
	else
		read_scalar(r, node);
	return r->fault == NULL ? node : NULL;
}

/* What is wrong with the text, or NULL: then document->nodes[0] is its value. The text is changed. */
const char *
json_read(char *string, size_t length, JsonDocument *document)
{
	Reader		r = {string, string + length, document, 0, NULL};

	document->n = 0;
	(void) read_value(&r);
	skip_space(&r);
	if (r.fault == NULL && r.at < r.end)
		r.fault = "something after the end";
	return r.fault;
}

/* NULL if there is none. */
const JsonNode *
json_member(const JsonNode *object, const char *name)
{
	return object->kind == JSON_OBJECT ? find_member(object, name, hash_name(name)) : NULL;
}

/* NULL if there is none, or if it is no string. */
const JsonNode *
json_string_member(const JsonNode *object, const char *name)
{
	const JsonNode *node = json_member(object, name);

	return node != NULL && node->kind == JSON_STRING ? node : NULL;
}

/* Whether it is a string, and this one. */
bool
json_is_text(const JsonNode *node, const char *string)
{
	return node != NULL && node->kind == JSON_STRING && strcmp(node->text, string) == 0;
}
