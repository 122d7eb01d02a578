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

// Of a hexadecimal digit in either case.
static unsigned value(char digit)
{
	return digit <= '9' ? (unsigned)digit - '0' : ((unsigned)digit | 0x20) - 'a' + 10;
}

bool hex_read(const char *text, uint8_t *octets, size_t n)
{
	if (strlen(text) != 2 * n || strspn(text, "0123456789abcdefABCDEF") != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(value(text[2 * i]) << 4 | value(text[2 * i + 1]));
	return true;
}

bool hex_read_lower(const char *text, uint8_t *octets, size_t n)
{
	return strpbrk(text, "ABCDEF") == NULL && hex_read(text, octets, n);
}
