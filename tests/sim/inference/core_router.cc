// The very code that runs in nginx and beside HAProxy.
#include <stdexcept>
#include <unordered_map>

#include "leastwise/picker.h"
#include "leastwise/residency.h"
#include "sim/inference/router.h"

namespace leastwise::sim {
namespace {

TimePoint at(double seconds) {
  return TimePoint{Duration{static_cast<std::int64_t>((seconds + 3600) * 1e6)}};
}

class CoreRouter : public Router {
 public:
  CoreRouter(std::string_view policy, std::size_t servers, std::uint64_t seed, bool says_usage)
      : says_usage_(says_usage) {
    config_.policy = find_policy(policy);
    if (config_.policy == nullptr) throw std::runtime_error("no policy " + std::string(policy));
    const std::size_t residency = residency_of(config_);
    memory_.resize(Pool::bytes_for(servers, residency) / sizeof(Line) + 1);
    const std::span bytes(reinterpret_cast<std::byte*>(memory_.data()),
                          memory_.size() * sizeof(Line));
    if (const Status s = Pool::create(bytes, servers, pool_, residency); !s.ok()) {
      throw std::runtime_error(s.message());
    }
    const ProcessSlot slot = pool_.join({.pid = 1}, [](Incarnation) { return true; });
    std::vector<Member> members;
    for (std::size_t i = 0; i < servers; ++i) {
      members.push_back({.id = pool_.add("server" + std::to_string(i))});
      pool_.configure(members.back().id, {});
    }
    own_.resize(Picker::bytes_for(servers) / 8 + 1);
    const auto own = std::as_writable_bytes(std::span(own_));
    if (!Picker::create(pool_, slot, members, own, seed, picker_).ok()) throw std::bad_alloc();
  }

  std::size_t pick(const Call& call, double now) override {
    Tried tried;
    const Prompt prompt = call.text.prompt();
    const Ticket t = picker_.pick(config_, {.in_flight = {}, .prompt = &prompt}, tried, at(now));
    tickets_[call.id] = t;
    return t.member;
  }
  void first_token(const Call& call, double now) override {
    picker_.first_token(tickets_[call.id], at(now));
  }
  void ended(const Call& call, double now) override {
    const Ticket& t = tickets_[call.id];
    Outcome outcome{.status = 200};
    outcome.first_byte = at(call.first_token) - t.start;
    outcome.occupied = at(now) - t.start;
    outcome.bytes_received = 250 * call.answer_tokens;  // events
    if (says_usage_) {
      outcome.prompt_tokens = call.text.tokens();
      outcome.cached_tokens = call.cached_tokens;
      outcome.completion_tokens = call.answer_tokens;
    }
    picker_.finish(config_, t, outcome, at(now));
    tickets_.erase(call.id);
  }
  void tick(double now) override { pool_.tick(config_, at(now)); }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  bool says_usage_;
  std::vector<Line> memory_;
  std::vector<std::uint64_t> own_;
  Config config_;
  Pool pool_;
  Picker picker_;
  std::unordered_map<std::size_t, Ticket> tickets_;
};

}  // namespace

std::unique_ptr<Router> make_core_router(std::string_view policy, std::size_t servers,
                                         std::uint64_t seed, bool says_usage) {
  return std::make_unique<CoreRouter>(policy, servers, seed, says_usage);
}

}  // namespace leastwise::sim
