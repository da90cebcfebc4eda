#pragma once

#include <cstdio>
#include <cstdlib>

namespace crm::fuzz {

// Ends the program where a property does not hold; libFuzzer then keeps the input.
inline void
require(bool holds, const char *property)
{
    if (holds)
        return;
    std::fprintf(stderr, "\nBroken: %s\n", property);
    std::abort();
}

}  // namespace crm::fuzz
