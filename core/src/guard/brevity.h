// Brevity: who answers with little, a 404 where others make a page, has few requests in flight, and
// by that alone would draw those of the others.
//
// What such an answer took less than a full one of its route takes is kept for each endpoint, in
// the mean over its requests. As far as that is more than the median endpoint's, times its picks
// per second it is how many requests more would be in flight there if it answered as the others do
// (Little 1961), and they count as if they were there: a server gets no more for refusing than for
// answering. Where all refuse alike nothing is added.
#ifndef LEASTWISE_SRC_GUARD_BREVITY_H_
#define LEASTWISE_SRC_GUARD_BREVITY_H_

#include <cstddef>

#include "memory/state.h"

namespace leastwise::state {

// One more answer, which took so many seconds less than a full one. O(1).
void learn_brevity(Record& record, float spared) noexcept;

// By the tick: of all endpoints what is usual.
void renew_brevity(const Shared& shared) noexcept;

// What those who are not in flight add to the delay of the next request at endpoint i, in seconds.
// By the tick. O(1).
float brevity_price(const Shared& shared, std::size_t i) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_BREVITY_H_
