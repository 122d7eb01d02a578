#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[RESULT_COUNT] = {
        [RESULT_OK] = "ok",
        [RESULT_INPUT] = "unusable input",
        [RESULT_LIMIT] = "limit reached",
        [RESULT_MEMORY] = "out of memory",
        [RESULT_SYSTEM] = "system error",
        [RESULT_NETWORK] = "network error",
        [RESULT_TIMEOUT] = "timed out",
        [RESULT_REFUSED] = "refused",
        [RESULT_CORRUPT] = "corrupt data",
        [RESULT_CONFLICT] = "conflict",
        [RESULT_NOT_FOUND] = "not found",
        [RESULT_UNSUPPORTED] = "unsupported",
};

const char *result_text(enum result code)
{
	return (unsigned)code < RESULT_COUNT ? texts[code] : "unknown result";
}

enum result error_set(struct error *err, enum result code, const char *format, ...)
{
	if (err == NULL)
		return code;
	va_list args;
	va_start(args, format);
	err->code = code;
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return code;
}

enum result error_set_errno(struct error *err, const char *format, ...)
{
	int number = errno;
	if (err == NULL)
		return RESULT_SYSTEM;
	va_list args;
	va_start(args, format);
	err->code = RESULT_SYSTEM;
	int n = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->text)
		snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", strerror(number));
	return RESULT_SYSTEM;
}

void error_prefix(struct error *err, const char *format, ...)
{
	if (err == NULL)
		return;
	char old[sizeof err->text];
	memcpy(old, err->text, sizeof old);
	va_list args;
	va_start(args, format);
	int n = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->text)
		snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", old);
}
