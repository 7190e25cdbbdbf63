#include "balance/pick_handler.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "serve/sockets.h"
#include "spoe_agent/agent_fixture.h"
#include "spop/reader.h"
#include "spop/writer.h"

namespace leastwise::agent {
namespace {

using spop::Value;

// Calls the handler as spop::Connection does, and shows what it answered.
class PickHandlerTest : public AgentFixture {
 protected:
  explicit PickHandlerTest(std::size_t ring = 1024)
      : AgentFixture(ring), wake_(make_event()), handler_(registry_, ring_, wake_, picks_) {
    servers(app_with({"s1", "s2"}));
    handler_.begin(now_, false);
  }

  using Arguments = std::vector<std::pair<std::string_view, std::string_view>>;

  // The payload of a NOTIFY with one message.
  std::string notify(std::string_view message, std::string_view id, std::string_view backend,
                     const Arguments& more = {}) {
    spop::Buffer buffer;
    spop::Writer writer(buffer, {.type = spop::FrameType::kNotify}, spop::kMaxFrameSize);
    writer.string(message);
    writer.byte(static_cast<std::uint8_t>(2 + more.size()));
    writer.item("id", id.empty() ? Value{} : Value::string(id));
    writer.item("backend", Value::string(backend));
    for (const auto& [name, value] : more) writer.item(name, Value::string(value));
    EXPECT_TRUE(writer.finish());
    spop::Reader reader(buffer.bytes().subspan(spop::kLengthSize));
    spop::read_header(reader);
    const auto rest = reader.rest();
    return {rest.begin(), rest.end()};
  }

  // The bytes of the actions of the answer.
  std::string ask(const std::string& payload) {
    spop::Buffer answer;
    spop::Writer ack(answer, {.type = spop::FrameType::kAck}, spop::kMaxFrameSize);
    spop::Actions actions(ack);
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(payload.data()));
    handler_.on_notify(spop::Messages({bytes, payload.size()}), actions);
    EXPECT_TRUE(ack.finish());
    spop::Reader reader(answer.bytes().subspan(spop::kLengthSize));
    spop::read_header(reader);
    const auto rest = reader.rest();
    return {rest.begin(), rest.end()};
  }
  std::string ask(std::string_view id, std::string_view backend) {
    return ask(notify("leastwise-pick", id, backend));
  }

  void go_by(const std::shared_ptr<lua::Script>& script) {
    BackendConfig config;
    config.settings.policy = script->policy();
    config.script = script;
    app().set_config(config);
  }

  // What the pool calls the routes of a request with these arguments.
  std::set<std::string> routes_of(const Arguments& arguments) {
    ask(notify("leastwise-pick", "a", "app", arguments));
    std::set<std::string> names;
    const Pool& pool = app().pool();
    for (std::uint32_t at = 0; (at = pool.next_route(at)) != Pool::kNoRoute; ++at) {
      names.emplace(pool.route(at).name());
    }
    return names;
  }

  Fd wake_;
  PickCounters picks_;
  PickHandler handler_;
};

TEST_F(PickHandlerTest, SetsTheServerAndTheRunnerUp) {
  // set-var (1), three arguments, scope transaction (2), name, a string (8) with its length.
  EXPECT_EQ(ask("a", "app"), "\x01\x03\x02\x03srv\x08\x02s1\x01\x03\x02\x04srv2\x08\x02s2");
  EXPECT_EQ(picks_.picked.get(), 1U);
}

TEST_F(PickHandlerTest, TheTicketIsInTheRingBeforeTheAnswer) {
  ask("a", "app");
  line("id=a s=s1 tsc=---- st=200");
  EXPECT_EQ(counters_.by_log.get(), 1U);
}

TEST_F(PickHandlerTest, MethodAndPathAreTheRoute) {
  EXPECT_EQ(routes_of({{"method", "POST"}, {"path", "/api/7"}}),
            std::set<std::string>{"POST /api/"});
}

TEST_F(PickHandlerTest, TheArgumentRouteGoesBeforeMethodAndPath) {
  EXPECT_EQ(routes_of({{"route", "mine"}, {"method", "GET"}, {"path", "/api/7"}}),
            std::set<std::string>{"mine"});
}

TEST_F(PickHandlerTest, AScriptSeesTheArgumentsAndChooses) {
  std::string error;
  const std::shared_ptr<lua::Script> script = lua::Script::from_text(
      "function route(r) return table.concat({r.method, r.path, r:header('x-who'), r.host or '-'}, "
      "' ') end\n"
      "function score(e, r) return e.name == r:arg('wants') and 0 or 1 end\n",
      "test.lua", error);
  ASSERT_NE(script, nullptr) << error;
  go_by(script);
  EXPECT_EQ(routes_of({{"method", "PUT"}, {"path", "/a"}, {"x-who", "me"}, {"wants", "s2"}}),
            std::set<std::string>{"PUT /a me -"});
  EXPECT_EQ(app().pool().view(app().find("s2"), app().config(), now_).picks, 1U);
  for (int i = 0; i < 9; ++i) ask(notify("leastwise-pick", "a", "app", {{"wants", "s1"}}));
  EXPECT_EQ(app().pool().view(app().find("s1"), app().config(), now_).picks, 9U);
  // Servers came: the script goes by the new list.
  servers(app_with({"s1", "s2", "s3"}));
  ask(notify("leastwise-pick", "a", "app", {{"wants", "s3"}}));
  EXPECT_EQ(app().pool().view(app().find("s3"), app().config(), now_).picks, 1U);
}

TEST_F(PickHandlerTest, AScriptThatFailsIsToldAndTheRequestGoesOn) {
  std::string error;
  const std::shared_ptr<lua::Script> script =
      lua::Script::from_text("function score() while true do end end", "test.lua", error);
  go_by(script);
  EXPECT_NE(ask("a", "app"), "");
  app().tick_script(registry_.gate(), now_);
  EXPECT_EQ(script->faults(), 1U);
}

TEST_F(PickHandlerTest, AMethodWithoutAPathTellsNothing) {
  EXPECT_EQ(routes_of({{"method", "GET"}}), std::set<std::string>{});
}

TEST_F(PickHandlerTest, AnUnknownBackendGetsAnEmptyAnswer) {
  EXPECT_EQ(ask("a", "other"), "");
  EXPECT_EQ(picks_.unknown_backend.get(), 1U);
}

TEST_F(PickHandlerTest, AnotherMessageGetsAnEmptyAnswer) {
  EXPECT_EQ(ask(notify("pick", "a", "app")), "");
  EXPECT_EQ(picks_.not_understood.get(), 1U);
}

TEST_F(PickHandlerTest, ThatAnAnswerBeginsIsPassedOn) {
  ASSERT_NE(ask("a", "app"), "");
  EXPECT_EQ(ask(notify("leastwise-token", "a", "app")), "");
  std::uint64_t woken = 0;
  ASSERT_EQ(::read(wake_.get(), &woken, sizeof woken), ssize_t{sizeof woken});
  EXPECT_EQ(woken, 1U) << "it is learned at once";
  EXPECT_EQ(ask(notify("leastwise-token", "", "app")), "");
  feedback_.drain(now_);
  EXPECT_EQ(counters_.tokens.get(), 1U);
  EXPECT_EQ(picks_.not_understood.get(), 1U);
}

TEST_F(PickHandlerTest, WithoutServersTheAnswerIsEmpty) {
  servers(app_with({}));
  EXPECT_EQ(ask("a", "app"), "");
  EXPECT_EQ(picks_.no_server.get(), 1U);
}

TEST_F(PickHandlerTest, AnOutdatedQuestionGetsAnEmptyAnswer) {
  handler_.begin(now_, true);
  EXPECT_EQ(ask("a", "app"), "");
  EXPECT_EQ(picks_.outdated.get(), 1U);
  EXPECT_EQ(sums().picks, 0U);
}

TEST_F(PickHandlerTest, WhileTheServersAreReplacedItDoesNotWait) {
  const std::lock_guard lock(registry_.gate());
  std::string answer = "none";
  std::thread([&] { answer = ask("a", "app"); }).join();
  EXPECT_EQ(answer, "");
  EXPECT_EQ(picks_.busy.get(), 1U);
}

TEST_F(PickHandlerTest, WithoutAnIdThePickEndsAtOnce) {
  EXPECT_NE(ask("", "app"), "");
  EXPECT_NE(ask(std::string(kMaxIdLength + 1, 'x'), "app"), "");
  EXPECT_EQ(picks_.untracked.get(), 2U);
  const Sums s = sums();
  EXPECT_EQ(s.picks, 2U);
  EXPECT_EQ(s.finishes, 2U);
}

class FullRing : public PickHandlerTest {
 protected:
  FullRing() : PickHandlerTest(8) {}
};

TEST_F(FullRing, ThePickEndsAtOnceAndTheLearnerIsWoken) {
  for (int i = 0; i < 12; ++i) EXPECT_NE(ask("id" + std::to_string(i), "app"), "");
  EXPECT_EQ(picks_.untracked.get(), 4U);
  EXPECT_EQ(sums().in_flight, 8U);
  std::uint64_t woken = 0;
  ASSERT_EQ(::read(wake_.get(), &woken, sizeof woken), ssize_t{sizeof woken});
  EXPECT_EQ(woken, 4U) << "once per quarter";
}

}  // namespace
}  // namespace leastwise::agent
