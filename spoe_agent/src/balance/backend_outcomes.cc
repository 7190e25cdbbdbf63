// The other half of Backend: what answers and time teach.
#include <algorithm>
#include <string>

#include "balance/backend.h"
#include "serve/log.h"

namespace leastwise::agent {

void Backend::tick(TimePoint now) noexcept {
  const Chooser before = pool_.chooser();
  pool_.tick(config_, now, Duration::zero(), slot_);
  const Chooser after = pool_.chooser();
  if (after == before) return;
  if (after == Chooser::kFallback) {
    log(LogLevel::kWarning,
        {"\"adaptive\" answered slower than \"least_conn\" would in backend \"", name_,
         "\": least_conn has it for a while; see \"model\" in the status"});
  } else if (before == Chooser::kFallback) {
    log(LogLevel::kInfo, {"\"adaptive\" has backend \"", name_, "\" back, to be compared anew"});
  }
}

void Backend::tick_script(std::mutex& gate, TimePoint now) {
  if (script_ == nullptr || !script_->wants_attention()) return;
  lua::Script::News news;
  {
    const std::lock_guard lock(gate);
    script_->tick(now);
    if (!script_->news(now, news)) return;
  }
  log(LogLevel::kError,
      {"script of backend ", name_, " failed, and \"adaptive\" chose in its place: ", news.error,
       " (", std::to_string(news.faults), " times; told once a minute)"});
}

void Backend::finish(const Ticket& ticket, Outcome outcome, TimePoint now) noexcept {
  if (ticket && outcome.occupied > Duration::zero()) {
    outcome.round_trip = ways_.learn(ticket.id, outcome, now);
  }
  roster_->learner.finish(config_, ticket, outcome, now);
  if (ticket && ticket.member < roster_->members.size() &&
      roster_->members[ticket.member].id == ticket.id && pool_.settings(ticket.id).max_conns != 0 &&
      outcome.occupied > Duration::zero()) {
    roster_->counts->note_end(ticket.member);
  }
  if (pool_.is_behind(slot_)) pool_.catch_up(config_, now, slot_);
}

bool Backend::begin_answer(Ticket& ticket, TimePoint first_token) noexcept {
  if (config_.chosen_policy().by_prompt) {
    roster_->learner.first_token(ticket, first_token);
    return false;
  }
  Outcome outcome{.result = Result::kOk};
  outcome.status = 200;
  outcome.first_byte = outcome.occupied = std::max(Duration::zero(), first_token - ticket.start);
  roster_->learner.answered(config_, ticket, outcome, first_token);
  return true;
}

void Backend::release(const Ticket& ticket, TimePoint now) noexcept {
  roster_->learner.release(config_, ticket, now);
}

}  // namespace leastwise::agent
