#include "lua/script.h"

#include <gmock/gmock.h>
#include <sys/prctl.h>

#include "core/lua/script_fixture.h"

namespace leastwise::lua {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kLeastConn[] =
    "function score(endpoint) return endpoint.in_flight / endpoint.weight end";

class ScriptTest : public ScriptFixture {};

TEST_F(ScriptTest, AScoreChoosesTheLeast) {
  make({1, 1, 1});
  load("function score(endpoint) return endpoint.name == '10.0.0.1:80' and 1 or 2 end");
  for (int i = 0; i < 300; ++i) EXPECT_EQ(pick().member, 1U);
  EXPECT_EQ(script_->faults(), 0U);
}

TEST_F(ScriptTest, LeastConnInTenLinesDecidesAsLeastConnDoes) {
  std::string ours, theirs;
  for (std::string* letters : {&ours, &theirs}) {
    make({3, 1, 1, 2, 5});
    if (letters == &ours) load(kLeastConn);
    if (letters == &theirs) use("least_conn");
    Rng rng(7);
    std::vector<Ticket> open;
    for (int i = 0; i < 10000; ++i) {
      open.push_back(pick());
      letters->push_back(static_cast<char>('a' + open.back().member));
      now_ += std::chrono::microseconds(100);
      while (open.size() > 12) {
        const std::uint32_t at = rng.below(static_cast<std::uint32_t>(open.size()));
        finish(open[at]);
        open.erase(open.begin() + at);
      }
    }
  }
  EXPECT_EQ(ours, theirs);
}

TEST_F(ScriptTest, AllocatesNothingInTheSteadyState) {
  make(std::vector<int>(16, 1));
  load(kLeastConn);
  for (int i = 0; i < 2000; ++i) finish(pick());
  const std::uint64_t before = script_->arena().allocations();
  for (int i = 0; i < 10000; ++i) finish(pick());
  EXPECT_EQ(script_->arena().allocations(), before);
}

// LuaJIT would end the process. Exits with 0 also where the kernel does not know the call.
TEST_F(ScriptTest, IsInterpretedWhereMachineCodeIsForbidden) {
  constexpr int kSetMdwe = 65, kRefuseExecGain = 1;
  EXPECT_EXIT(
      {
        if (prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0) != 0) std::exit(0);
        make({1, 1, 1});
        load(kLeastConn);
        std::exit(spread(3000) == std::vector<int>{1000, 1000, 1000} ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(ScriptTest, HugeLeavesAServerOut) {
  make({1, 1, 1});
  load("function score(e) if e.name == '10.0.0.2:80' then return 1 end return math.huge end");
  for (int i = 0; i < 300; ++i) {
    const Ticket t = pick();
    EXPECT_EQ(t.member, 2U);
    EXPECT_EQ(t.second, kNoMember);  // HAProxy must not get it as a second choice
  }
}

TEST_F(ScriptTest, WhenAllAreLeftOutAdaptiveChooses) {
  make({1, 1, 1});
  load("function score() return math.huge end");
  EXPECT_EQ(reason(), Reason::kScriptPassed);
  EXPECT_EQ(script_->faults(), 0U);
}

TEST_F(ScriptTest, APickIsOneOfTheCandidates) {
  make({1, 1, 1, -1});
  load("function pick(candidates) return candidates[#candidates] end");
  EXPECT_EQ(pick().member, 2U);
  load("function pick() end");
  EXPECT_EQ(reason(), Reason::kScriptPassed);
  load("function pick() return 7 end");
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_THAT(news(), HasSubstr("expected one of the candidates or nil, got a number"));
}

TEST_F(ScriptTest, APickMayNotKeepAnEndpointThatIsNoCandidateAnyMore) {
  make({1, 1});
  load(
      "local first\n"
      "function pick(candidates) first = first or candidates[1]; return first end");
  EXPECT_EQ(pick().member, 0U);
  make({1, 1, 1});
  settle(0, {.flags = kDown});
  EXPECT_EQ(reason(), Reason::kScriptFault);
}

TEST_F(ScriptTest, TickSetsWeightsAndLeavesOut) {
  make({1, 1, 1});
  load(
      "function tick(pool)\n"
      "  pool.leave_out(pool.endpoints[1])\n"
      "  pool.set_weight(pool.endpoints[2], 3)\n"
      "end\n"
      "function score(e) return e.in_flight + 1 end");
  pick();
  script_->tick(now_);
  std::vector<int> hits = spread(400);
  EXPECT_LE(hits[0], 1);
  EXPECT_NEAR(hits[1], 300, 6);
  EXPECT_NEAR(hits[2], 100, 6);
  EXPECT_EQ(script_->faults(), 0U);
}

TEST_F(ScriptTest, ATickThatFailsLeavesNobodyOut) {
  make({1, 1});
  load(
      "local n = 0\n"
      "function tick(pool) n = n + 1; pool.leave_out(pool.endpoints[1]); if n > 1 then error('no') "
      "end end\n"
      "function score(e) return e.in_flight end");
  pick();
  script_->tick(now_);
  EXPECT_EQ(spread(10)[0], 0);
  script_->tick(now_ += std::chrono::seconds(1));
  EXPECT_GT(spread(10)[0], 0);
  EXPECT_THAT(news(), HasSubstr("test.lua:2: no"));
}

TEST_F(ScriptTest, TellsRouteAndKey) {
  struct Asked {
    static bool text(const void*, What what, std::string_view name,
                     std::string_view& out) noexcept {
      if (what == What::kHeader && name == "x-tenant") return out = "blue", true;
      if (what == What::kPath) return out = "/a/b/c", true;
      return false;
    }
    static bool number(const void*, What, double& out) noexcept { return out = 12, true; }
  };
  load(
      "function key(r) return r:header('x-tenant') end\n"
      "function route(r) return part(r.path, '/', 3) .. (r:cookie('c') or '-') .. r.body_length "
      "end");
  EXPECT_EQ(script_->policy(), nullptr);
  const int request = 0;
  script_->about({.text = Asked::text, .number = Asked::number}, &request);
  std::string_view told;
  ASSERT_TRUE(script_->tell(Call::kKey, now_, told));
  EXPECT_EQ(told, "blue");
  ASSERT_TRUE(script_->tell(Call::kRoute, now_, told));
  EXPECT_EQ(told, "b-12");
  script_->about({}, nullptr);
  EXPECT_FALSE(script_->tell(Call::kKey, now_, told));
}

TEST_F(ScriptTest, WhatIsWrongIsSaidWithFileAndLine) {
  EXPECT_THAT(refused("function score(e)\n  return e.in_flight +\nend"),
              StartsWith("test.lua:3: "));
  EXPECT_EQ(refused("local x = 1"),
            "test.lua: expected one of the functions score, pick, tick, route, key");
  EXPECT_THAT(refused("score = 7"),
              HasSubstr("test.lua: score: expected a function, got a number"));
  EXPECT_THAT(refused("\nprint('x')"), StartsWith("test.lua:2: "));
  EXPECT_THAT(refused("function score() end function pick() end"), HasSubstr("one of the two"));
  EXPECT_THAT(refused("while true do end"), StartsWith("test.lua:1: took too long"));
  EXPECT_THAT(refused("local leastwise_check function key() end"), HasSubstr("a name of our own"));
}

TEST_F(ScriptTest, AFieldThatIsNoneIsSaidToBeNone) {
  make({1, 1});
  load("function score(e) return e.inflight end");
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_THAT(news(),
              StartsWith("test.lua:1: endpoint.inflight: there are name, address, in_flight, "));
}

}  // namespace
}  // namespace leastwise::lua
