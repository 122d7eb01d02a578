// Private to src/act: what a way to act provides.
#pragma once

#include "act/act.h"
#include "base/clock.h"
#include "dns/name.h"

struct act_ops {
	const char *name; // "ddns"
	// Adds what it knows about the other side, without secrets.
	void (*describe)(const struct act *act, json_t **object);
	// The request has passed act_request_check.
	enum result (*submit)(struct act *act, const struct act_request *request, act_ended *ended,
	        void *ctx, struct error *err);
	void (*free)(struct act *act);
};

// Each way begins with one of these.
struct act {
	const struct act_ops *ops;
};

enum result act_request_check(const struct act_request *request, struct error *err);
// Takes value's reference; *object becomes NULL where it fails.
void act_put(json_t **object, const char *key, json_t *value);
