#include "sim/inference/play.h"

#include <algorithm>
#include <deque>
#include <queue>

#include "sim/inference/router.h"

namespace leastwise::sim {
namespace {

struct Event {
  enum class Kind { kTurn, kStep, kTick, kScrape, kSlow, kWell };
  double at;
  Kind kind;
  std::size_t which;  // session or server
  friend bool operator>(const Event& a, const Event& b) { return a.at > b.at; }
};

class Play {
 public:
  Play(const InferenceScenario& scenario, std::string_view router, PlayLength length,
       std::uint64_t seed, bool says_usage)
      : length_(length),
        end_(length.warm_up + length.seconds),
        servers_(kModelServers),
        stepping_(kModelServers),
        sessions_(make_traffic(scenario, end_, seed)),
        next_turn_(sessions_.size()),
        router_(make_router(router, kModelServers, seed, says_usage)) {
    for (std::size_t i = 0; i < scenario.slow_servers; ++i) servers_[i].slow = scenario.slow;
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
      push(sessions_[i].at, Event::Kind::kTurn, i);
    }
    push(0, Event::Kind::kTick);
    push(0, Event::Kind::kScrape);
    if (scenario.grey) {
      push(length.warm_up + 0.2 * length.seconds, Event::Kind::kSlow);
      push(length.warm_up + 0.5 * length.seconds, Event::Kind::kWell);
    }
  }

  FirstTokens run() {
    while (!events_.empty() && events_.top().at < end_) {
      const Event e = events_.top();
      events_.pop();
      now_ = e.at;
      handle(e);
    }
    return sum_up();
  }

 private:
  void push(double at, Event::Kind kind, std::size_t which = 0) { events_.push({at, kind, which}); }

  void handle(const Event& e) {
    switch (e.kind) {
      case Event::Kind::kTurn:
        return ask(e.which);
      case Event::Kind::kStep:
        return step(e.which);
      case Event::Kind::kTick:
        router_->tick(now_);
        return push(now_ + 0.1, Event::Kind::kTick);
      case Event::Kind::kScrape:
        router_->scrape(servers_);
        return push(now_ + 0.05, Event::Kind::kScrape);
      case Event::Kind::kSlow:
      case Event::Kind::kWell:
        servers_[0].slow = e.kind == Event::Kind::kSlow ? 4 : 1;
    }
  }

  void ask(std::size_t which) {
    Session& session = sessions_[which];
    const std::size_t turn = next_turn_[which]++;
    session.text.add({mix(mix(which, turn), 1), session.turns[turn].asked_bytes});
    Call& call = calls_.emplace_back();
    call.id = calls_.size() - 1;
    call.session = which;
    call.text = session.text;
    call.answer_tokens = session.turns[turn].answer_tokens;
    call.whole = session.text;
    call.whole.add({mix(mix(which, turn), 2), call.answer_tokens * kTokenBytes});
    call.sent = now_;
    call.server = router_->pick(call, now_);
    servers_[call.server].arrive(call);
    if (!stepping_[call.server]) begin_step(call.server);
  }

  void begin_step(std::size_t server) {
    stepping_[server] = !servers_[server].is_idle();
    if (stepping_[server]) push(now_ + servers_[server].begin_step(), Event::Kind::kStep, server);
  }

  void step(std::size_t server) {
    began_.clear();
    ended_.clear();
    servers_[server].end_step(began_, ended_);
    for (Call* call : began_) {
      call->first_token = now_;
      router_->first_token(*call, now_);
    }
    for (Call* call : ended_) end(*call);
    begin_step(server);
  }

  void end(Call& call) {
    call.ended = now_;
    router_->ended(call, now_);
    Session& session = sessions_[call.session];
    session.text = call.whole;
    const std::size_t turn = next_turn_[call.session];
    if (turn == session.turns.size()) return;
    push(now_ + session.turns[turn].pause, Event::Kind::kTurn, call.session);
  }

  FirstTokens sum_up() const {
    std::vector<double> times;
    double sum = 0, cached = 0, tokens = 0;
    for (const Call& call : calls_) {
      if (call.sent < length_.warm_up) continue;
      times.push_back((call.first_token > 0 ? call.first_token : end_) - call.sent);
      sum += times.back();
      if (call.first_token == 0) continue;
      cached += call.cached_tokens;
      tokens += call.text.tokens();
    }
    if (times.empty()) return {};
    std::sort(times.begin(), times.end());
    const auto part = [&](double p) {
      return times[static_cast<std::size_t>(p * double(times.size()))];
    };
    return {times.size(), sum / double(times.size()),      part(.5), part(.9),
            part(.99),    tokens > 0 ? cached / tokens : 0};
  }

  PlayLength length_;
  double now_ = 0, end_;
  std::vector<ModelServer> servers_;
  std::vector<bool> stepping_;
  std::vector<Session> sessions_;
  std::vector<std::size_t> next_turn_;
  std::unique_ptr<Router> router_;
  std::deque<Call> calls_;  // their addresses stay
  std::vector<Call*> began_, ended_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace

FirstTokens play(const InferenceScenario& scenario, std::string_view router, PlayLength length,
                 std::uint64_t seed, bool says_usage) {
  return Play(scenario, router, length, seed, says_usage).run();
}

}  // namespace leastwise::sim
