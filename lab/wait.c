// Waiting until a server of the lab shows, or no longer shows, a record.
#include "lab.h"

#include "stub.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_AGAIN_MS 50

// Keys and signatures are base64, where case counts; in names and digests it does not.
static bool wait_same(uint16_t type, const char *a, const char *b)
{
	return type == KNOT_RRTYPE_DNSKEY || type == KNOT_RRTYPE_CDNSKEY ? strcmp(a, b) == 0
	                                                                 : strcasecmp(a, b) == 0;
}

static bool wait_has_in(
        const knot_pktsection_t *section, const struct lab_condition *condition, uint16_t type)
{
	knot_dump_style_t style = KNOT_DUMP_STYLE_DEFAULT;
	style.wrap = false;
	for (uint16_t i = 0; i < section->count; i++) {
		char text[4096];
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		if (rr->type != type)
			continue;
		if (condition->rdata == NULL)
			return true;
		if (knot_rrset_txt_dump_data(rr, 0, text, sizeof(text), &style) > 0 &&
		        wait_same(type, text, condition->rdata))
			return true;
	}
	return false;
}

// The NS records of a delegation stand in the authority section (RFC 1034 section 4.3.2).
static bool wait_has(const knot_pkt_t *answer, const struct lab_condition *condition, uint16_t type)
{
	return wait_has_in(knot_pkt_section(answer, KNOT_ANSWER), condition, type) ||
	       (type == KNOT_RRTYPE_NS &&
	               wait_has_in(knot_pkt_section(answer, KNOT_AUTHORITY), condition, type));
}

// One look. With DO, which makes room for large answers.
static bool wait_holds(const struct lab_condition *condition, uint16_t type)
{
	struct stub_question question = {.address = condition->address,
	        .name = condition->name,
	        .type = type,
	        .dnssec = true};
	knot_pkt_t *answer;
	if (stub_ask(&question, 1000, &answer, NULL) != RESULT_OK)
		return false;
	bool noerror = knot_wire_get_rcode(answer->wire) == KNOT_RCODE_NOERROR;
	bool has = wait_has(answer, condition, type);
	knot_pkt_free(answer);
	return noerror && has != condition->absent;
}

static _Noreturn void wait_child(const struct lab *lab, const struct lab_condition *condition,
        uint16_t type, int64_t timeout_ms)
{
	struct error err = {0};
	struct clock clock = clock_system();
	int64_t until_ms = time_add(clock_now_ms(&clock), timeout_ms);
	if (lab_enter(lab, LAB_ENTER_NET, &err) != RESULT_OK)
		_exit(2);
	while (!wait_holds(condition, type)) {
		if (clock_now_ms(&clock) >= until_ms)
			_exit(1);
		poll(NULL, 0, WAIT_AGAIN_MS);
	}
	_exit(0);
}

enum result lab_wait(const struct lab *lab, const struct lab_condition *condition,
        int64_t timeout_ms, struct error *err)
{
	uint16_t type;
	int status = 0;
	if (knot_rrtype_from_string(condition->type, &type) != 0)
		return error_set(err, RESULT_INPUT, "unknown record type '%s'", condition->type);
	pid_t pid = fork();
	if (pid == 0)
		wait_child(lab, condition, type, timeout_ms);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return error_set_errno(err, "cannot wait for a record");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return RESULT_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return error_set(err, RESULT_TIMEOUT, "%s %s at %s is not %s in time",
		        condition->name, condition->type, condition->address,
		        condition->absent ? "gone" : "there");
	return error_set(err, RESULT_NOT_FOUND, "cannot ask %s in the lab", condition->address);
}
