#include "lua/script.h"

#define XXH_INLINE_ALL  // nginx's own build links no further library
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "lua/checks.h"
#include "lua/load.h"
#include "pick/pick_context.h"
#include "pick/score.h"
#include "policies/tie_break.h"

namespace leastwise::lua {
namespace {

constexpr std::size_t kLargestScript = std::size_t{1} << 20;
constexpr double kNotNow = std::numeric_limits<double>::quiet_NaN();
constexpr float kLeftOut = std::numeric_limits<float>::infinity();

const Policy& adaptive() noexcept { return *policies().front(); }

Choice choose_without(PickContext& context, Reason reason) noexcept {
  Choice choice = adaptive().pick(context);
  choice.reason = reason;
  return choice;
}

}  // namespace

// ---- what it says

Choice Script::pick(PickContext& context) noexcept {
  const auto* own = reinterpret_cast<const OwnPolicy*>(context.config.policy);
  return own->script->choose(context);
}

Choice Script::choose(PickContext& context) noexcept {
  if (!may_call(context.now) || !ask(context)) {
    return choose_without(context, Reason::kScriptFault);
  }
  Choice choice;
  return has_answered(context, choice) ? choice : choose_without(context, Reason::kScriptPassed);
}

bool Script::may_call(TimePoint now) const noexcept {
  return !is_spoilt_ && !breaker_.is_open(milliseconds(now));
}

bool Script::ask(PickContext& context) noexcept {
  look(context);
  if (members_ == nullptr) {
    fault(context.now, "no memory", Severity::kPlain);
    return false;
  }
  if (!end(state_.call(Call::kChoose, kCallBudget), context.now)) return false;
  if (!state_.picks() || view_.chosen == index(kNoEndpoint)) return true;
  const auto all = context.all();
  const bool is_candidate = std::ranges::any_of(
      all, [&](MemberIndex m) { return index(context.members[m].id) == view_.chosen; });
  if (!is_candidate)
    fault(context.now, "pick: the endpoint is none of the candidates", Severity::kPlain);
  return is_candidate;
}

bool Script::has_answered(PickContext& context, Choice& choice) const noexcept {
  const auto all = context.all();
  if (state_.picks()) {
    const auto found = std::ranges::find_if(
        all, [&](MemberIndex m) { return index(context.members[m].id) == view_.chosen; });
    if (found == all.end()) return false;
    choice.member = *found;
    return true;
  }
  CandidateCosts costs;
  LeastTwo least;
  for (std::size_t i = 0; i < all.size(); ++i) {
    costs[i] = view_.scores[i];
    least.see(i, costs[i]);
  }
  choice = least.choose(context, costs);
  if (!(choice.score < kLeftOut)) return false;
  if (!(choice.second_score < kLeftOut)) choice.second = kNoMember;
  return true;
}

// ---- what it is shown

void Script::look(PickContext& context) noexcept {
  context_ = &context;
  if (context.members.data() != members_ || context.members.size() != member_count_ ||
      view_.capacity != context.endpoints.size()) {
    see_members(context);
    if (members_ == nullptr) return;
  }
  view_.hot = reinterpret_cast<const leastwise_hot*>(context.endpoints.data());
  view_.records = reinterpret_cast<const leastwise_record*>(context.records.data());
  view_.members = reinterpret_cast<const leastwise_member*>(context.members.data());
  view_.candidates = context.all().data();
  view_.candidate_count = context.candidates.count();
  view_.chosen = static_cast<std::uint32_t>(index(kNoEndpoint));
  view_.now = static_cast<double>(context.now.time_since_epoch().count()) * 1e-6;
  view_.now_ms = static_cast<std::uint32_t>(milliseconds(context.now));
  view_.counts = nullptr;
  if (context.request.in_flight.empty()) return;
  for (const MemberIndex m : context.all()) {
    counts_[index(context.members[m].id)] = context.in_flight(m);
  }
  view_.counts = counts_.data();
}

// At the first pick, and when the list of servers has changed: it may allocate. When memory runs
// out there are no members until the next pick.
void Script::see_members(const PickContext& context) noexcept {
  const std::size_t capacity = context.endpoints.size();
  members_ = nullptr;
  view_.pool_size = 0;
  try {
    if (view_.capacity != capacity) {
      view_.capacity = 0;
      factors_.assign(capacity, 1);
      counts_.assign(capacity, 0);
    }
    pool_.clear();
    for (const Member& member : context.members) {
      pool_.push_back(static_cast<std::uint32_t>(index(member.id)));
    }
  } catch (const std::exception&) {
    return;
  }
  members_ = context.members.data();
  member_count_ = context.members.size();
  view_.capacity = static_cast<std::uint32_t>(capacity);
  view_.factors = factors_.data();
  view_.pool = pool_.data();
  view_.pool_size = static_cast<std::uint32_t>(pool_.size());
}

Script& Script::of(leastwise_view* view) noexcept { return *static_cast<Script*>(view->script); }

std::int32_t Script::look_at_clock(leastwise_view* view) noexcept {
  constexpr std::int32_t kChecks = 16;
  return of(view).state_.has_time() ? kChecks : 0;
}

std::int32_t Script::look_up(leastwise_view* view, std::int32_t what, const char* name,
                             std::size_t size) noexcept {
  const Script& script = of(view);
  if (script.request_ == nullptr) return 0;
  const auto asked = static_cast<What>(what);
  if (asked == What::kBodyLength) {
    if (script.source_.number == nullptr) return 0;
    return script.source_.number(script.request_, asked, view->number) ? 1 : 0;
  }
  std::string_view found;
  if (script.source_.text == nullptr ||
      !script.source_.text(script.request_, asked, {name, size}, found)) {
    return 0;
  }
  view->text = found.data();
  view->text_size = found.size();
  return 1;
}

double Script::predict(leastwise_view* view, std::uint32_t id) noexcept {
  const Script& script = of(view);
  const PickContext* context = script.context_;
  if (context == nullptr || id >= context->endpoints.size()) return kNotNow;
  const state::Hot& endpoint = context->endpoints[id];
  const std::uint64_t word = endpoint.load.get();
  const std::uint32_t n = view->counts != nullptr ? view->counts[id] : load::in_flight(word);
  if (context->plan.learned.get() == 0) {
    return static_cast<double>(static_cast<float>(n) * endpoint.inverse_weight.get());
  }
  const Score<float> score(context->plan, context->costs.cost, context->now);
  return static_cast<double>(score(endpoint, word, n));
}

double Script::share(const char* text, std::size_t size) noexcept {
  return static_cast<double>(XXH3_64bits(text, size) >> 11) * 0x1p-53;
}

// ---- its other functions

bool Script::tell(Call call, TimePoint now, std::string_view& out) noexcept {
  if (!may_call(now)) return false;
  if (!end(state_.call(call, kCallBudget, out), now)) return false;
  return out.data() != nullptr && !out.empty();
}

void Script::tick(TimePoint now) noexcept {
  const std::int64_t now_ms = milliseconds(now);
  if (now_ms >= ticked_ms_ && now_ms - ticked_ms_ < kTickPeriod.count()) return;
  ticked_ms_ = now_ms;
  if (breaker_.is_open(now_ms)) return;
  if (is_spoilt_) {
    try {
      std::string error;
      if (!state_.start(source_text_, file_, error, kTickBudget)) {
        return fault(now, error, Severity::kGrave);
      }
    } catch (const std::exception&) {
      return fault(now, "no memory", Severity::kGrave);
    }
    is_spoilt_ = false;
    is_seeded_ = false;
  }
  if (!is_seeded_) {
    // Processes that were forked draw differently.
    is_seeded_ = true;
    state_.seed(static_cast<std::uint32_t>(Rng(static_cast<std::uint64_t>(now_ms)).next()));
  }
  if (!has(Call::kTick)) return rest();
  if (view_.capacity == 0) return;
  context_ = nullptr;
  view_.counts = nullptr;
  request_ = nullptr;
  view_.now = static_cast<double>(now.time_since_epoch().count()) * 1e-6;
  view_.now_ms = static_cast<std::uint32_t>(now_ms);
  if (!end(state_.call(Call::kTick, kTickBudget), now)) forget_factors();
}

void Script::rest() noexcept {
  const bool rests = !has(Call::kTick) && !is_spoilt_ && faults_ == faults_told_;
  attention_.store(!rests, std::memory_order_relaxed);
}

void Script::forget_factors() noexcept { std::ranges::fill(factors_, 1.0F); }

// ---- what goes wrong

bool Script::end(bool succeeded, TimePoint now) noexcept {
  context_ = nullptr;
  if (state_.is_spoilt()) {
    is_spoilt_ = true;  // what it has filled it with may stay: it begins anew
    fault(now, "it needs more than 16 MiB of memory, or 1 MiB at once", Severity::kGrave);
    return false;
  }
  if (succeeded) {
    breaker_.succeed();
  } else {
    fault(now, state_.error(), state_.was_late() ? Severity::kLate : Severity::kPlain);
  }
  return succeeded;
}

void Script::fault(TimePoint now, std::string_view error, Severity severity) noexcept {
  ++faults_;
  attention_.store(true, std::memory_order_relaxed);
  breaker_.fail(milliseconds(now), severity);
  error_size_ = std::min(error.size(), error_.size());
  std::copy_n(error.begin(), error_size_, error_.begin());
}

bool Script::news(TimePoint now, News& out) noexcept {
  const std::int64_t now_ms = milliseconds(now);
  if (faults_ == faults_told_) return false;
  if (told_ms_ != 0 && now_ms >= told_ms_ && now_ms - told_ms_ < kTellEachMs) return false;
  told_ms_ = now_ms;
  out = {.error = {error_.data(), error_size_}, .faults = faults_ - faults_told_};
  faults_told_ = faults_;
  rest();
  return true;
}

// ---- how it starts

Script::Script(std::string file) noexcept
    : policy_{{.name = "lua",
               .summary = "what a script says",
               .demand = nullptr,
               .pick = pick,
               .keeps_answer_time = true},
              this},
      file_(std::move(file)) {
  view_.script = this;
  view_.look_at_clock = look_at_clock;
  view_.look_up = look_up;
  view_.predict = predict;
  view_.share = share;
}

std::unique_ptr<Script> Script::from_text(std::string_view text, const std::string& file,
                                          std::string& error) noexcept {
  try {
    std::unique_ptr<Script> script(new Script(file));
    if (!add_checks(text, script->source_text_)) {
      error = file + ": " + std::string(kCheck) + " is a name of our own: expected another";
      return nullptr;
    }
    if (!script->state_.start(script->source_text_, file, error)) return nullptr;
    if (script->state_.is_spoilt()) {
      error = file + ": it needs more than 16 MiB of memory, or 1 MiB at once";
      return nullptr;
    }
    return script;
  } catch (const std::exception&) {
    return nullptr;
  }
}

std::unique_ptr<Script> Script::load(const std::string& file, std::string& error) noexcept {
  try {
    const std::unique_ptr<std::FILE, decltype(&std::fclose)> stream(std::fopen(file.c_str(), "rb"),
                                                                    std::fclose);
    std::string text(kLargestScript + 1, '\0');
    if (stream != nullptr) text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
    if (stream == nullptr || std::ferror(stream.get()) != 0) {
      error = file + ": can not be read";
      return nullptr;
    }
    if (text.size() > kLargestScript) {
      error = file + ": is longer than 1 MiB";
      return nullptr;
    }
    return from_text(text, file, error);
  } catch (const std::exception&) {
    return nullptr;
  }
}

std::unique_ptr<Script> load_script(std::string_view file, std::string& error) noexcept {
  try {
    return Script::load(std::string(file), error);
  } catch (const std::exception&) {
    return nullptr;
  }
}

std::string Script::manual() {
  std::string error;
  const auto script = from_text("function key() end", "manual", error);
  return script != nullptr ? script->state_.manual() : error;
}

}  // namespace leastwise::lua
