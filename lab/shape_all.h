// Every shape, for the list in shape.c.
#pragma once

#include "shape.h"

extern const struct shape shape_domain, shape_tld;
