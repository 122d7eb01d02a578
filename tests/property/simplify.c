// Ways to make a timeline simpler, for a person who has to understand why two judges disagree.
#include "generate.h"

#include <string.h>

struct edit {
	struct generated *g;
	int left;  // edits to go until the one asked for
	bool done; // it was found, and changes something
};

// Is it this edit's turn?
static bool turn(struct edit *e, bool applies)
{
	if (e->done || !applies)
		return false;
	if (e->left-- > 0)
		return false;
	e->done = true;
	return true;
}

static void drop_event(struct generated *g, int i)
{
	g->events--;
	memmove(&g->event[i], &g->event[i + 1], (size_t)(g->events - i) * sizeof(g->event[0]));
}

static void edit_events(struct edit *e)
{
	struct generated *g = e->g;
	for (int i = 0; i < g->events && !e->done; i++) {
		if (turn(e, true)) {
			drop_event(g, i);
			return;
		}
		int gap = g->event[i].at - (i > 0 ? g->event[i - 1].at : 0);
		if (turn(e, gap > 0)) // this one and all later ones an hour earlier
			for (int j = i; j < g->events; j++)
				g->event[j].at--;
	}
}

static void edit_set(struct edit *e, struct gen_event *event, int publisher, int field)
{
	int *value = &event->value[publisher][field];
	for (int b = 0; b < 2 * GEN_KEYS; b++) {
		int without = *value & ~(1 << b);
		bool applies = without != *value && (field != GEN_NS || without != 0);
		if (turn(e, applies))
			*value = without;
	}
}

static void edit_fields(struct edit *e, struct gen_event *event, bool start)
{
	for (int p = 0; p < GEN_PUBLISHERS; p++)
		for (int f = 0; f < GEN_FIELDS && !e->done; f++) {
			if (!event->has[p][f])
				continue;
			if (turn(e, !start || f > GEN_DATA))
				event->has[p][f] = false;
			else if (f <= GEN_DATA)
				edit_set(e, event, p, f);
		}
	for (int t = 0; t < GEN_TTLS; t++) {
		if (turn(e, event->ttl[t] >= 0 && (!start || t == GEN_TTL_NONE)))
			event->ttl[t] = -1;
		if (turn(e, event->ttl[t] > 1))
			event->ttl[t]--;
	}
}

// Does this event need a group to exist: by changing it, or by another publisher's NS set?
static bool needs_group(const struct gen_event *event, int group, bool start)
{
	for (int p = 0; p < GEN_PUBLISHERS; p++)
		if (p != group && event->has[p][GEN_NS] &&
		        (event->value[p][GEN_NS] & (1 << group)) != 0)
			return true;
	for (int f = 0; f < GEN_FIELDS && !start; f++)
		if (event->has[group][f])
			return true;
	return false;
}

static void edit_group(struct edit *e)
{
	struct generated *g = e->g;
	bool needed = g->groups <= 1 || needs_group(&g->start, g->groups, true);
	for (int i = 0; i < g->events; i++)
		needed |= needs_group(&g->event[i], g->groups, false);
	if (turn(e, !needed)) {
		memset(g->start.has[g->groups], 0, sizeof(g->start.has[0]));
		g->groups--;
	}
}

bool generated_simpler(const struct generated *g, int i, struct generated *simpler)
{
	*simpler = *g;
	struct edit e = {.g = simpler, .left = i};
	edit_events(&e);
	edit_group(&e);
	if (turn(&e, g->floor != 0))
		simpler->floor = 0;
	if (turn(&e, g->ns[0] != '\0'))
		simpler->ns = "";
	if (turn(&e, g->strength[0] == '\0'))
		simpler->strength = "lenient";
	if (turn(&e, g->strength[0] == '\0'))
		simpler->strength = "strict";
	for (int l = 0; l < 2; l++)
		if (turn(&e, g->lag[l] > 0))
			simpler->lag[l]--;
	int last = g->events > 0 ? g->event[g->events - 1].at : 0;
	if (turn(&e, g->until > last))
		simpler->until--;
	for (int k = 0; k < GEN_KEYS; k++)
		if (turn(&e, g->algorithm[k] != 13))
			simpler->algorithm[k] = 13;
	edit_fields(&e, &simpler->start, true);
	for (int k = 0; k < simpler->events; k++)
		edit_fields(&e, &simpler->event[k], false);
	return e.done;
}
