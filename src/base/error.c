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

// What peers and files say ends up in these sentences, and these on terminals and in journals: a
// control character becomes "?", be it ASCII or the two octets of U+0080 to U+009F.
static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
}

// A text that was cut must not end within a character of UTF-8.
static void drop_cut_character(char *text)
{
	size_t n = strlen(text);
	size_t start = n;
	while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	if (n - start < wanted)
		text[start - 1] = '\0';
}

// format's arguments may point into err->text. Appends `behind` where it is not NULL.
__attribute__((format(printf, 2, 0))) static void fill(struct error *err, const char *format,
        va_list args, const char *between, const char *behind)
{
	char text[sizeof err->text];
	int n = vsnprintf(text, sizeof text, format, args);
	if (n < 0)
		n = snprintf(text, sizeof text, "%s", format);
	if (behind != NULL && (size_t)n < sizeof text)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", between, behind);
	if ((size_t)n >= sizeof text)
		drop_cut_character(text);
	make_printable(text);
	memcpy(err->text, text, sizeof text);
}

enum result(error_set)(struct error *err, enum result code, const char *format, ...)
{
	if (err == NULL)
		return code;
	va_list args;
	va_start(args, format);
	fill(err, format, args, "", NULL);
	va_end(args);
	err->code = code;
	return code;
}

enum result(error_set_errno)(struct error *err, const char *format, ...)
{
	int number = errno;
	if (err == NULL)
		return RESULT_SYSTEM;
	va_list args;
	va_start(args, format);
	fill(err, format, args, ": ", strerrordesc_np(number));
	va_end(args);
	err->code = RESULT_SYSTEM;
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
	fill(err, format, args, "", old);
	va_end(args);
}
