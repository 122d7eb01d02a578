// A growing text or octet buffer with a declared maximum.
//
//     struct buffer out = buffer_init(64 * 1024);
//     buffer_printf(&out, "%d zones\n", n);
//     if (!out.failed) fwrite(out.data, 1, out.length, stdout);
//     buffer_free(&out);
//
// A write that does not fit sets `failed` and changes nothing else; later writes do nothing, so
// that callers may check once, at the end. data is always followed by a NUL that length does not
// count.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t length, capacity, max;
	bool failed;
};

struct buffer buffer_init(size_t max_octets);
void buffer_free(struct buffer *buffer);
void buffer_clear(struct buffer *buffer);
void buffer_add(struct buffer *buffer, const void *data, size_t n);
void buffer_puts(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
// The text so far, "" where nothing was written; owned by the buffer.
const char *buffer_text(const struct buffer *buffer);
