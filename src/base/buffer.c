#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer buffer_init(size_t max_octets)
{
	// Sizes are doubled, and one more octet is needed for the NUL: neither may overflow.
	return (struct buffer){.max = max_octets < SIZE_MAX / 4 ? max_octets : SIZE_MAX / 4};
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){.max = buffer->max};
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
	if (buffer->data != NULL)
		buffer->data[0] = '\0';
}

static bool reserve(struct buffer *buffer, size_t n)
{
	if (buffer->failed || n > buffer->max || buffer->length > buffer->max - n) {
		buffer->failed = true;
		return false;
	}
	size_t need = buffer->length + n + 1;
	if (need <= buffer->capacity)
		return true;
	size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
	while (capacity < need)
		capacity *= 2;
	char *data = realloc(buffer->data, capacity);
	if (data == NULL) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void buffer_add(struct buffer *buffer, const void *data, size_t n)
{
	if (!reserve(buffer, n))
		return;
	if (n > 0)
		memcpy(buffer->data + buffer->length, data, n);
	buffer->length += n;
	buffer->data[buffer->length] = '\0';
}

void buffer_puts(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		buffer->failed = true;
	else if (reserve(buffer, (size_t)n)) {
		vsnprintf(buffer->data + buffer->length, (size_t)n + 1, format, again);
		buffer->length += (size_t)n;
	}
	va_end(again);
}

const char *buffer_text(const struct buffer *buffer)
{
	return buffer->data != NULL ? buffer->data : "";
}
