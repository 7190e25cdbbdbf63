// The agent without sockets and threads: a registry with backend `app`, picks by hand, log lines
// by hand, time by hand.
#ifndef LEASTWISE_TESTS_SPOE_AGENT_AGENT_FIXTURE_H_
#define LEASTWISE_TESTS_SPOE_AGENT_AGENT_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "balance/feedback.h"
#include "balance/registry.h"
#include "balance/state_store.h"
#include "serve/counters.h"

namespace leastwise::agent {

inline BackendInfo app_with(std::initializer_list<const char*> names) {
  BackendInfo info{.name = "app", .servers = {}};
  for (const char* name : names) {
    info.servers.push_back({.name = name, .address = "10.0.0.1:80", .settings = {}});
  }
  return info;
}

class AgentFixture : public testing::Test {
 protected:
  explicit AgentFixture(std::size_t ring = 1024)
      : store_(""), registry_({{"app", {}}}, store_), ring_(ring), feedback_(ring_, counters_) {}

  Backend& app() { return *registry_.backends().front(); }

  bool servers(const BackendInfo& info) {
    return app().update(info, registry_.gate(), feedback_, now_);
  }

  // What the pick thread does with a question.
  std::string pick(std::string_view id, std::uint64_t route = 0) {
    const Request request{.route = route, .in_flight = {}};
    const Picked picked = app().pick(request, {}, now_);
    if (!picked.ticket) return "";
    EXPECT_TRUE(ring_.push({.pick = {request_id(id), &app(), picked.ticket}, .first_token = {}}));
    return std::string(picked.server);
  }

  // What it does when HAProxy says that the answer begins.
  void token(std::string_view id) {
    EXPECT_TRUE(ring_.push(
        {.pick = {.id = request_id(id), .backend = nullptr, .ticket = {}}, .first_token = now_}));
    feedback_.drain(now_);
  }

  void line(const std::string& fields) { feedback_.on_line("leastwise " + fields, now_); }

  EndpointView view(std::string_view server) {
    return app().pool().view(app().find(server), app().config(), now_);
  }
  std::uint64_t results(std::string_view server, Result result) {
    return view(server).results[static_cast<std::size_t>(result)];
  }

  struct Sums {
    std::uint64_t picks = 0, finishes = 0, in_flight = 0;
  };
  Sums sums() {
    Sums sums;
    app().pool().for_each([&](EndpointId id) {
      const EndpointView v = app().pool().view(id, app().config(), now_);
      sums.picks += v.picks;
      sums.in_flight += v.in_flight;
      for (const std::uint64_t n : v.results) sums.finishes += n;
    });
    return sums;
  }

  StateStore store_;
  Registry registry_;
  TicketRing ring_;
  FeedbackCounters counters_;
  Feedback feedback_;
  TimePoint now_{std::chrono::hours(1)};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_TESTS_SPOE_AGENT_AGENT_FIXTURE_H_
