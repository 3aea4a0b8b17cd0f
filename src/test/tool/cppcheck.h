/*
 * cppcheck.h - what cppcheck must know of PostgreSQL, which it sees without
 * its headers: loops made by macros, and that an error does not return.
 */
#define dlist_foreach(iter, head) for ((iter).cur = (head)->head.next; (iter).cur; (iter).cur = (iter).cur->next)
#define dlist_foreach_modify(iter, head) dlist_foreach(iter, head)
#define dlist_reverse_foreach(iter, head) dlist_foreach(iter, head)
#define dclist_foreach(iter, head) dlist_foreach(iter, head)
#define slist_foreach(iter, head) dlist_foreach(iter, head)
#define slist_foreach_modify(iter, head) dlist_foreach(iter, head)
#define foreach(cell, list) for ((cell) = (list)->elements; (cell); (cell)++)
#define for_each_from(cell, list, n) foreach(cell, list)
#define for_each_cell(cell, list, start) foreach(cell, list)
#define forboth(cell1, list1, cell2, list2) \
	for ((cell1) = (list1)->elements, (cell2) = (list2)->elements; (cell1) && (cell2); (cell1)++, (cell2)++)

#define PG_MODULE_MAGIC
#define PG_FUNCTION_INFO_V1(name)
#define DEBUG5 10
#define DEBUG4 11
#define DEBUG3 12
#define DEBUG2 13
#define DEBUG1 14
#define LOG 15
#define LOG_SERVER_ONLY 16
#define INFO 17
#define NOTICE 18
#define WARNING 19
#define ERROR 21
#define FATAL 22
#define PANIC 23
#define ereport(elevel, ...) do { (void) (__VA_ARGS__); if ((elevel) >= ERROR) abort(); } while (0)
#define elog(elevel, ...) do { (void) (__VA_ARGS__); if ((elevel) >= ERROR) abort(); } while (0)
#define Assert(condition) do { if (!(condition)) abort(); } while (0)
#define pg_unreachable() abort()
