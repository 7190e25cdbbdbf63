// Slowness: g of each endpoint as of now, how much the pool's endpoints differ, and who was found
// slow and is tried again.
//
// Nothing new is learned of who is not asked. So an endpoint that was found slow and is silent gets
// a trial: one request, for which it counts as one of the pool's mean; until that answers, all
// others see it as slow as before. The answer counts against little of what was known, and one that
// is a surprise is followed by the next at once; a server that is still slow has cost one request.
//
// How often is a matter of harm: a trial is due when what it is expected to cost is less than 1 %
// of what the pool's answers took since the last. Each that finds it slow doubles the wait, four
// times at most: who is slow for good costs a sixteenth of that. Who was well before may be well
// soon: its wait doubles from the ninth trial on only.
#ifndef LEASTWISE_SRC_LEARN_SLOWNESS_H_
#define LEASTWISE_SRC_LEARN_SLOWNESS_H_

#include "leastwise/config.h"
#include "memory/state.h"
#include "words/answer_ring.h"
#include "words/packed.h"
#include "words/plan.h"

namespace leastwise::state {

// By the holder of the tick. O(endpoints).
void renew_prior(const Shared& shared, const Config& config, TimePoint now) noexcept;
void renew_slowness(const Shared& shared, const Config& config, TimePoint now) noexcept;

// What is left of an endpoint's sums when a trial's answer comes in.
Speed doubted(Speed speed, float left, const Plan& plan) noexcept;
// After that answer.
void end_trial(Hot& hot, Record& record, const Answer& answer, const Plan& plan) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_SLOWNESS_H_
