#include "zone/check_internal.h"

#include <assert.h>
#include <stdlib.h>

const unsigned zone_headroom_days[ZONE_HEADROOM_COUNT - 1] = {1, 3, 7, 14, 30, 90};

bool check_is_named(const struct zone_node *node)
{
	return !(node->flags & (ZONE_NODE_BELOW | ZONE_NODE_NSEC3));
}

static void count_names(struct checking *checking)
{
	struct zone_report *report = checking->report;
	for (size_t i = 0; i < zone_node_count(checking->zone); i++) {
		const struct zone_node *node = zone_node_at(checking->zone, i);
		if (!check_is_named(node) || node->flags & ZONE_NODE_EMPTY)
			continue;
		report->names++;
		if (!(node->flags & ZONE_NODE_DELEGATION))
			continue;
		const struct zone_rrset *ds = zone_node_find(checking->zone, node, DNS_TYPE_DS);
		report->delegations++;
		report->signed_delegations += ds != NULL && ds->count > 0 ? 1 : 0;
	}
}

static bool has(const struct checking *checking, uint16_t type)
{
	const struct zone_rrset *set = zone_node_find(checking->zone, checking->apex, type);
	return set != NULL && set->count > 0;
}

static void run(struct checking *checking)
{
	size_t count = zone_node_count(checking->zone);
	checking->has_nsec = has(checking, DNS_TYPE_NSEC);
	checking->has_nsec3 = has(checking, DNS_TYPE_NSEC3PARAM);
	checking->planned = count * (checking->has_nsec3 ? 4 : 3);
	count_names(checking);
	check_apex(checking);
	check_data(checking);
	check_signatures(checking);
	check_key_links(checking);
	check_nsec(checking);
	check_nsec3(checking);
	check_digests(checking);
	if (checking->options->progress != NULL)
		checking->options->progress(
		        checking->options->progress_ctx, checking->planned, checking->planned);
}

static void take(struct checking *checking, const struct finding_list *list,
        struct zone_finding *findings, size_t *count)
{
	for (size_t i = 0; i < list->kept; i++) {
		const struct finding *finding = &list->list[i];
		findings[(*count)++] = (struct zone_finding){
		        .owner = zone_node_at(checking->zone, finding->node)->owner,
		        .type = finding->type,
		        .warning = finding->warning,
		        .line = finding->line,
		        .text = finding->text};
	}
}

// The texts change hands.
static void hand_over(struct checking *checking)
{
	struct findings *all = &checking->findings;
	struct zone_report *report = checking->report;
	findings_sort(all);
	struct zone_finding *findings =
	        calloc(all->errors.kept + all->warnings.kept + 1, sizeof *findings);
	if (findings == NULL) {
		checking_fail(checking, RESULT_MEMORY, "no memory for what is wrong in the zone");
		return;
	}
	take(checking, &all->errors, findings, &report->finding_count);
	take(checking, &all->warnings, findings, &report->finding_count);
	report->findings = findings;
	report->errors = all->errors.total;
	report->warnings = all->warnings.total;
	all->errors.kept = all->warnings.kept = 0;
}

static void free_keys(struct checking *checking)
{
	for (size_t i = 0; i < checking->key_count; i++) {
		dns_key_unref(checking->keys[i].key);
		p256_key_free(checking->keys[i].fast);
	}
	free(checking->keys);
	free(checking->signs_keys);
}

enum result zone_check(const struct zone *zone, const struct zone_check_options *options,
        struct zone_report **report, struct error *err)
{
	assert(options->threads >= 1 && options->threads <= ZONE_CHECK_MAX_THREADS);
	struct checking checking = {.zone = zone,
	        .options = options,
	        .apex = zone_node_at(zone, 0),
	        .apex_length = dns_name_length(zone_apex(zone)),
	        .report = calloc(1, sizeof **report),
	        .findings = findings_init(options->limit, PHASE_APEX),
	        .lock = PTHREAD_MUTEX_INITIALIZER,
	        .err = err};
	if (checking.report == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a report");
	run(&checking);
	hand_over(&checking);
	findings_free(&checking.findings);
	free_keys(&checking);
	pthread_mutex_destroy(&checking.lock);
	if (checking.result != RESULT_OK) {
		zone_report_free(checking.report);
		return checking.result;
	}
	*report = checking.report;
	return RESULT_OK;
}

void zone_report_free(struct zone_report *report)
{
	if (report == NULL)
		return;
	for (size_t i = 0; i < report->finding_count; i++)
		free((void *)(uintptr_t)report->findings[i].text);
	free((void *)(uintptr_t)report->findings);
	free(report);
}
