#include "cmd/check_procedure.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/scenario_options.h"
#include "procedure/render.h"

enum { OUTPUT_MAX = 64 << 20 };

static enum result check_and_print(struct arena *arena, const struct procedure *p,
        const struct check_options *options, bool *ok, struct error *err)
{
	struct scenario s;
	struct check_report report;
	struct buffer out = buffer_init(OUTPUT_MAX);
	scenario_init(&s, p);
	enum result result = scenario_take_options(&s, p, options->ttls, options->lags, err);
	if (result == RESULT_OK)
		result = check_procedure(arena, p, &s, &report, err);
	if (result == RESULT_OK && options->json)
		result = check_write_json(p, &report, &out, err);
	else if (result == RESULT_OK)
		check_write_text(p, &report, &out);
	if (result == RESULT_OK && out.failed)
		result = error_set(err, RESULT_LIMIT, "more to say than can be printed");
	if (result == RESULT_OK) {
		fwrite(out.data, 1, out.length, stdout);
		*ok = report.ok;
	}
	buffer_free(&out);
	return result;
}

int check_file_procedure(struct arena *arena, const char *file, const struct yaml_node *root,
        const struct check_options *options)
{
	const struct procedure *p;
	struct error err = {0};
	bool ok = false;
	if (procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
		return usage_error("%s", err.text);
	if (check_and_print(arena, p, options, &ok, &err) != RESULT_OK) {
		// What is about one place in the file begins with that.
		bool placed = strncmp(err.text, file, strlen(file)) == 0;
		return usage_error("%s%s%s", placed ? "" : file, placed ? "" : ": ", err.text);
	}
	return ok ? EXIT_SAFE : EXIT_NO;
}
