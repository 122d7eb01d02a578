#include "prober.h"

#include "base/clock.h"

#include <string.h>

uint64_t prober_failures(const struct prober_tally *tally)
{
	uint64_t failures = 0;
	for (int i = 0; i < PROBE_OUTCOMES; i++)
		if (i != PROBE_SECURE)
			failures += tally->outcome[i];
	return failures;
}

static void prober_add(struct prober_tally *sum, const struct prober_tally *tally)
{
	sum->asked += tally->asked;
	for (int i = 0; i < PROBE_KINDS; i++) {
		sum->kind[i] += tally->kind[i];
		sum->answered[i] += tally->answered[i];
	}
	for (int i = 0; i < PROBE_OUTCOMES; i++) {
		int64_t first_ms = tally->first_ms[i], last_ms = tally->last_ms[i];
		sum->outcome[i] += tally->outcome[i];
		if (first_ms != 0 && (sum->first_ms[i] == 0 || first_ms < sum->first_ms[i]))
			sum->first_ms[i] = first_ms;
		if (last_ms > sum->last_ms[i])
			sum->last_ms[i] = last_ms;
	}
	if (tally->last_asked_ms > sum->last_asked_ms)
		sum->last_asked_ms = tally->last_asked_ms;
}

void prober_sum(const struct prober_counts *counts, struct prober_tally *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < LAB_RESOLVERS; i++)
		prober_add(sum, &counts->resolver[i]);
}

static void prober_print_row(const char *name, const struct prober_tally *tally, struct buffer *out)
{
	buffer_printf(out, "%-12s %8llu", name, (unsigned long long)tally->asked);
	for (int i = 0; i < PROBE_OUTCOMES; i++)
		buffer_printf(out, " %9llu", (unsigned long long)tally->outcome[i]);
	buffer_printf(out, " %9llu\n", (unsigned long long)tally->answered[PROBE_FRESH]);
}

void prober_print(
        const struct lab_info *info, const struct prober_counts *counts, struct buffer *out)
{
	struct prober_tally sum;
	buffer_printf(out, "%-12s %8s", "validator", "asked");
	for (int i = 0; i < PROBE_OUTCOMES; i++)
		buffer_printf(out, " %9s", probe_outcome_word((enum probe_outcome)i));
	buffer_printf(out, " %9s\n", "fresh");
	for (int i = 0; i < LAB_RESOLVERS; i++)
		prober_print_row(info->resolver[i].id, &counts->resolver[i], out);
	prober_sum(counts, &sum);
	prober_print_row("all", &sum, out);
}

static void prober_json_tally(const struct prober_tally *tally, struct buffer *out)
{
	buffer_printf(out, "{\"asked\": %llu, \"fresh\": %llu, \"repeated\": %llu",
	        (unsigned long long)tally->asked, (unsigned long long)tally->answered[PROBE_FRESH],
	        (unsigned long long)tally->answered[PROBE_REPEATED]);
	for (int i = 0; i < PROBE_OUTCOMES; i++) {
		const char *word = probe_outcome_word((enum probe_outcome)i);
		buffer_printf(out, ", \"%s\": %llu", word, (unsigned long long)tally->outcome[i]);
		if (tally->outcome[i] > 0)
			buffer_printf(out, ", \"%s_first_ms\": %lld, \"%s_last_ms\": %lld", word,
			        (long long)tally->first_ms[i], word, (long long)tally->last_ms[i]);
	}
	buffer_puts(out, "}");
}

void prober_json(
        const struct lab_info *info, const struct prober_counts *counts, struct buffer *out)
{
	struct prober_tally sum;
	prober_sum(counts, &sum);
	buffer_printf(out, "{\"started_ms\": %lld, \"stopped_ms\": %lld, \"all\": ",
	        (long long)counts->started_ms, (long long)counts->stopped_ms);
	prober_json_tally(&sum, out);
	buffer_puts(out, ", \"resolvers\": {");
	for (int i = 0; i < LAB_RESOLVERS; i++) {
		buffer_printf(out, "%s\"%s\": ", i > 0 ? ", " : "", info->resolver[i].id);
		prober_json_tally(&counts->resolver[i], out);
	}
	buffer_puts(out, "}}\n");
}
