// Duration: as text, as nginx writes it.
#ifndef LEASTWISE_SRC_TUNE_DURATION_H_
#define LEASTWISE_SRC_TUNE_DURATION_H_

#include "leastwise/clock.h"
#include "leastwise/text.h"

namespace leastwise {

// In the largest unit that leaves no remainder.
void print(Duration d, Text& out) noexcept;
// "a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s"
void print_range(Duration min, Duration max, Text& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_TUNE_DURATION_H_
