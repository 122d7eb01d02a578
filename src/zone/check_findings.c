#include "zone/check_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 700 // octets of one finding

struct findings findings_init(size_t limit, enum phase phase)
{
	return (struct findings){.limit = limit, .phase = phase};
}

static void list_free(struct finding_list *list)
{
	for (size_t i = 0; i < list->kept; i++)
		free(list->list[i].text);
	free(list->list);
	*list = (struct finding_list){0};
}

void findings_free(struct findings *findings)
{
	list_free(&findings->errors);
	list_free(&findings->warnings);
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	bool x_apex = x->phase == PHASE_APEX, y_apex = y->phase == PHASE_APEX;
	if (x_apex != y_apex) // what is wrong with the keys explains the rest
		return x_apex ? -1 : 1;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->phase != y->phase)
		return x->phase < y->phase ? -1 : 1;
	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return strcmp(x->text, y->text);
}

static void list_cut(struct finding_list *list, size_t limit)
{
	if (list->kept > 0)
		qsort(list->list, list->kept, sizeof *list->list, compare);
	while (list->kept > limit)
		free(list->list[--list->kept].text);
}

// Takes the text. Where twice as many as needed are kept, the later half goes.
static void list_put(struct findings *findings, struct finding_list *list, struct finding finding)
{
	if (list->kept == list->room) {
		size_t room = list->room == 0 ? 16 : 2 * list->room;
		struct finding *grown = reallocarray(list->list, room, sizeof *grown);
		if (grown == NULL) {
			free(finding.text);
			findings->failed = true;
			return;
		}
		list->list = grown;
		list->room = room;
	}
	list->list[list->kept++] = finding;
	if (list->kept >= 2 * findings->limit + 16)
		list_cut(list, findings->limit);
}

__attribute__((format(printf, 6, 0))) // clang does not see it by itself
static void
put(struct findings *findings, struct finding_list *list, const struct zone *zone, size_t node,
        uint16_t type, const char *format, va_list args)
{
	char text[TEXT_MAX];
	const struct zone_rrset *set = zone_node_find(zone, zone_node_at(zone, node), type);
	list->total++;
	vsnprintf(text, sizeof text, format, args);
	struct finding finding = {.node = (uint32_t)node,
	        .type = type,
	        .phase = (uint8_t)findings->phase,
	        .warning = list == &findings->warnings,
	        .sequence = findings->sequence++,
	        .line = set != NULL ? set->line : 0,
	        .text = strdup(text)};
	if (finding.text == NULL)
		findings->failed = true;
	else
		list_put(findings, list, finding);
}

void finding_error(struct findings *findings, const struct zone *zone, size_t node, uint16_t type,
        const char *format, ...)
{
	va_list args;
	va_start(args, format);
	put(findings, &findings->errors, zone, node, type, format, args);
	va_end(args);
}

void finding_warning(struct findings *findings, const struct zone *zone, size_t node, uint16_t type,
        const char *format, ...)
{
	va_list args;
	va_start(args, format);
	put(findings, &findings->warnings, zone, node, type, format, args);
	va_end(args);
}

static void list_merge(struct findings *to, struct finding_list *list, struct finding_list *from)
{
	list->total += from->total;
	for (size_t i = 0; i < from->kept; i++)
		list_put(to, list, from->list[i]);
	from->kept = 0;
	list_free(from);
}

void findings_merge(struct findings *to, struct findings *from)
{
	to->failed = to->failed || from->failed;
	list_merge(to, &to->errors, &from->errors);
	list_merge(to, &to->warnings, &from->warnings);
}

void findings_sort(struct findings *findings)
{
	list_cut(&findings->errors, findings->limit);
	list_cut(&findings->warnings, findings->limit);
}
