#include "memory/shadow.h"

namespace leastwise::state {

void ShadowBank::clear() noexcept {
  for (auto* c : {&answers, &micros, &failures, &weights, &would_micros, &would_failures, &foreseen,
                  &foreseen_micros}) {
    c->set(0);
  }
  for (auto& c : times) c.set(0);
  for (auto& c : would_times) c.set(0);
}

void reset_shadowed(Shadowed& s) noexcept {
  s.load.set(0);
  for (auto* c : {&s.would, &s.would_us, &s.sent, &s.sent_us, &s.would_seen, &s.would_us_seen,
                  &s.sent_seen, &s.sent_us_seen}) {
    c->set(0);
  }
  for (auto* c :
       {&s.would_sum, &s.would_delay, &s.sent_sum, &s.sent_delay, &s.weight, &s.stretch}) {
    c->set(0);
  }
}

}  // namespace leastwise::state
