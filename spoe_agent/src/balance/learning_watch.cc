#include "balance/learning_watch.h"

#include <algorithm>

#include "serve/log.h"

namespace leastwise::agent {
namespace {

// "1,068".
std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string of(std::uint64_t part, std::uint64_t whole) {
  return grouped(part) + " of " + grouped(whole);
}

// One of five and more.
bool is_much(std::uint64_t part, std::uint64_t whole) noexcept { return part * 5 > whole; }

}  // namespace

void LearningWatch::look(TimePoint now) {
  if (now < next_) return;
  next_ = now + kWindow;
  const Totals all = totals();
  const Totals window = difference(all, begin_);
  // Few requests say nothing, neither that it goes wrong nor that it goes well again.
  if (std::max(window.asked, window.by_log + window.expired) < kLeastPicks) return;
  begin_ = all;
  replace(judge(window));
}

// What came instead of those that miss, if anything did.
std::string LearningWatch::why_lines_miss(const Totals& w, std::uint64_t missing) {
  const std::uint64_t strange = w.garbled + w.foreign, all = w.lines + strange;
  if (all == 0) {
    return "no line came at all; is the frontend's \"log\" line there, does it name the address in "
           "\"feedback\", and is \"option dontlog-normal\" set?";
  }
  if (strange * 2 > missing) {
    return of(strange, all) +
           " lines are not ours or not understood; is the log-format that of "
           "the example, and has the id no spaces?";
  }
  if (w.unknown * 2 > missing) {
    return of(w.unknown, w.lines) +
           " lines are about ids that were not asked about; do the SPOE file "
           "(id=uuid(),set-var(txn.leastwise.id)) and the log line (id=%[var(txn.leastwise.id)]) "
           "mean one variable?";
  }
  return "is \"option dontlog-normal\" or \"dontlognull\" set, or a \"sample\" on the \"log\" "
         "line?";
}

std::vector<LearningWatch::Warning> LearningWatch::judge(const Totals& w) {
  std::vector<Warning> found;
  const auto warn = [&](const char* name, std::string text) {
    found.push_back({name, std::move(text)});
  };
  const std::uint64_t ended = w.by_log + w.expired;
  const std::uint64_t missing = w.expired - std::min(w.expired, w.late);
  if (ended >= kLeastPicks && is_much(missing, ended)) {
    warn("no_lines",
         "no log line came for " + of(missing, ended) + " picks: " + why_lines_miss(w, missing));
  }
  if (is_much(w.lost, w.lines + w.lost)) {
    warn("lost_lines", "the kernel dropped " + of(w.lost, w.lines + w.lost) +
                           " log lines: raise net.core.rmem_max, or give the agent more of a core");
  }
  if (is_much(w.duplicates, w.picked)) {
    warn("repeated_ids",
         of(w.duplicates, w.picked) +
             " picks have an id that another request still has: is it "
             "\"id=uuid(),set-var(txn.leastwise.id)\" in the SPOE file, or one that clients send?");
  }
  if (is_much(w.untracked, w.picked)) {
    warn("no_ids", of(w.untracked, w.picked) +
                       " picks have no id that could be followed: does the SPOE file have "
                       "\"id=uuid(),set-var(txn.leastwise.id)\"?");
  }
  if (is_much(w.unknown_backend, w.asked)) {
    warn("unknown_backend",
         of(w.unknown_backend, w.asked) +
             " questions are about a backend that the agent's configuration does "
             "not have: add \"backend NAME { }\" of that name");
  }
  const std::uint64_t told = w.as_picked + w.elsewhere;
  if (told >= kLeastPicks && w.as_picked * 2 < told) {
    warn("not_decided", "HAProxy used another server for " + of(w.elsewhere, told) +
                            " picks: are both use-server lines there, before others?");
  }
  return found;
}

void LearningWatch::replace(std::vector<Warning> next) {
  const auto is_in = [](const std::vector<Warning>& list, const Warning& w) {
    return std::ranges::find(list, w.name, &Warning::name) != list.end();
  };
  const std::lock_guard lock(mutex_);
  for (const Warning& w : next) {
    if (!is_in(warnings_, w)) log(LogLevel::kWarning, {w.text});
  }
  for (const Warning& w : warnings_) {
    if (!is_in(next, w)) log(LogLevel::kInfo, {w.name, ": is over"});
  }
  warnings_.swap(next);
}

std::vector<LearningWatch::Warning> LearningWatch::warnings() const {
  const std::lock_guard lock(mutex_);
  return warnings_;
}

LearningWatch::Totals LearningWatch::totals() const noexcept {
  const PickCounters& p = picks_;
  const FeedbackCounters& f = feedback_;
  return {.asked = p.asked.get(),
          .picked = p.picked.get(),
          .untracked = p.untracked.get(),
          .unknown_backend = p.unknown_backend.get(),
          .lines = f.lines.get(),
          .foreign = f.foreign.get(),
          .garbled = f.garbled.get(),
          .unknown = f.unknown.get(),
          .by_log = f.by_log.get(),
          .expired = f.expired.get(),
          .late = f.late.get(),
          .duplicates = f.duplicates.get(),
          .as_picked = f.as_picked.get(),
          .elsewhere = f.elsewhere.get(),
          .lost = f.lost.get()};
}

LearningWatch::Totals LearningWatch::difference(const Totals& now, const Totals& then) noexcept {
  return {.asked = now.asked - then.asked,
          .picked = now.picked - then.picked,
          .untracked = now.untracked - then.untracked,
          .unknown_backend = now.unknown_backend - then.unknown_backend,
          .lines = now.lines - then.lines,
          .foreign = now.foreign - then.foreign,
          .garbled = now.garbled - then.garbled,
          .unknown = now.unknown - then.unknown,
          .by_log = now.by_log - then.by_log,
          .expired = now.expired - then.expired,
          .late = now.late - then.late,
          .duplicates = now.duplicates - then.duplicates,
          .as_picked = now.as_picked - then.as_picked,
          .elsewhere = now.elsewhere - then.elsewhere,
          .lost = now.lost - then.lost};
}

}  // namespace leastwise::agent
