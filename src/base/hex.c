#include "base/hex.h"

#include <string.h>

static char *write_digits(const char digits[static 16], const uint8_t *octets, size_t n, char *buf)
{
	for (size_t i = 0; i < n; i++) {
		buf[2 * i] = digits[octets[i] >> 4];
		buf[2 * i + 1] = digits[octets[i] & 15];
	}
	buf[2 * n] = '\0';
	return buf;
}

char *hex_lower(const void *octets, size_t n, char *buf)
{
	return write_digits("0123456789abcdef", octets, n, buf);
}

char *hex_upper(const void *octets, size_t n, char *buf)
{
	return write_digits("0123456789ABCDEF", octets, n, buf);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_read(const char *text, uint8_t *octets, size_t n)
{
	if (strlen(text) != 2 * n)
		return false;
	for (size_t i = 0; i < 2 * n; i++)
		if (digit(text[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return true;
}

bool hex_read_lower(const char *text, uint8_t *octets, size_t n)
{
	return strpbrk(text, "ABCDEF") == NULL && hex_read(text, octets, n);
}
