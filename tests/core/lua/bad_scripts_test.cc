// Scripts that do harm, or try to.
#include <gmock/gmock.h>

#include <chrono>

#include "core/lua/script_fixture.h"

namespace leastwise::lua {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;

class BadScripts : public ScriptFixture {
 protected:
  // Of `picks` picks, the time that the longest took. The pool's own clock goes on with them.
  std::chrono::duration<double, std::milli> longest(int picks) {
    auto most = steady_clock::duration::zero();
    for (int i = 0; i < picks; ++i) {
      const auto before = steady_clock::now();
      const Ticket ticket = pick();
      most = std::max(most, steady_clock::now() - before);
      EXPECT_TRUE(ticket);
      now_ += std::chrono::milliseconds(1);
      finish(ticket);
      if (i % 100 == 0) script_->tick(now_);
    }
    return most;
  }
  // Asks until the breaker has opened.
  void fail_until_open() {
    for (std::uint32_t i = 0; i < Breaker::kFailures; ++i)
      EXPECT_EQ(reason(), Reason::kScriptFault);
  }
};

// Loose: a machine that is busy may take the processor away at any time.
constexpr double kMostMs = 250;

TEST_F(BadScripts, LoopsThatNeverEndAreStopped) {
  for (const char* body : {
           "while true do end",
           "repeat until false",
           "for i = 1, 1e18 do end",
           "local i = 0 while true do i = i + 1 end",
           "for _ in function() return 1 end do end",
           "::again:: goto again",
           "::a:: do goto a end",
           "local function f() return f() end f()",
           "local function f() f() f() end f()",
           "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
           "while true do pcall(function() while true do end end) end",
           "local function f() while true do pcall(f) end end f()",
           "local function f() pcall(f) pcall(f) end while true do f() end",
           "for i = 1, math.huge do local s = ('x'):rep(60000) .. i end",
           "for i = 1, math.huge do local t = {} for j = 1, 100 do t[j] = {} end end",
           "while true do for _ in pairs(_G) do end end",
           "while true do (function() end)() end",
       }) {
    make({1, 1, 1});
    load("function score(e) do " + std::string(body) + " end return 1 end");
    EXPECT_LT(longest(20).count(), kMostMs) << body;
    EXPECT_GE(script_->faults(), 1U) << body;
  }
}

TEST_F(BadScripts, ALoopThatIsCompiledBeforeItGoesWrongIsStopped) {
  make({1, 1, 1});
  load(
      "local calls = 0\n"
      "function score(e)\n"
      "  calls = calls + 1\n"
      "  local n, limit = 0, calls > 3000 and math.huge or 100\n"
      "  while n < limit do n = n + 1 end\n"
      "  return e.in_flight\n"
      "end");
  for (int i = 0; i < 900; ++i) finish(pick());
  EXPECT_EQ(script_->faults(), 0U);
  EXPECT_LT(longest(200).count(), kMostMs);
  EXPECT_GE(script_->faults(), 1U);
  EXPECT_THAT(news(), HasSubstr("test.lua:5: took too long"));
}

TEST_F(BadScripts, MemoryIsBounded) {
  for (const char* body : {
           "kept = kept or {} for i = 1, 100000 do kept[#kept + 1] = {i} end",
           "kept = (kept or 'x') .. (kept or 'x')",
           "kept = kept or {} kept[#kept + 1] = ('x'):rep(60000) .. #kept",
           "local t = {} for i = 1, 1e9 do t[i] = i end",
       }) {
    make({1, 1, 1});
    load("function score(e) do " + std::string(body) + " end return 1 end");
    EXPECT_LT(longest(2000).count(), kMostMs) << body;
    EXPECT_GE(script_->faults(), 1U) << body;
    EXPECT_LE(script_->arena().used(), Arena::kSize) << body;
  }
}

TEST_F(BadScripts, AScriptThatNeededTooMuchBeginsAnew) {
  make({1, 1, 1});
  load(
      "function score(e)\n"
      "  if stay == nil then stay = {} end\n"
      "  for i = 1, 100 do stay[#stay + 1] = {i} end\n"
      "  return e.in_flight\n"
      "end");
  longest(5000);
  EXPECT_THAT(news(), HasSubstr("more than 16 MiB"));
  const std::uint64_t faults = script_->faults();
  now_ += std::chrono::minutes(5);
  script_->tick(now_);
  EXPECT_EQ(reason(), Reason::kPolicy);
  EXPECT_EQ(script_->faults(), faults);
}

TEST_F(BadScripts, NothingLeadsOutOfTheSandbox) {
  for (const char* name : {"io",
                           "os",
                           "package",
                           "debug",
                           "ffi",
                           "jit",
                           "require",
                           "load",
                           "loadstring",
                           "loadfile",
                           "dofile",
                           "collectgarbage",
                           "getfenv",
                           "setfenv",
                           "newproxy",
                           "module",
                           "coroutine",
                           "string.dump",
                           "string.gsub",
                           "string.match",
                           "string.gmatch",
                           "math.randomseed",
                           "leastwise",
                           "print"}) {
    EXPECT_EQ(refused("assert(" + std::string(name) + " == nil) function key() end"), "") << name;
  }
  for (const char* line : {
           "function score() os.execute('true') return 1 end",
           "function score() require('ffi') return 1 end",
           "function score(e) return (e + 100000).in_flight end",
           "function score(e) return e[100000] end",
           "function score(e) e.id = 70000 return e.in_flight end",
           "function score(e) e.in_flight = 3 return 1 end",
           "function score(e) getmetatable(e).__index = nil return 1 end",
           "function score(e, r) r.method = 'x' return 1 end",
           "function score(e) setmetatable(e, {}) return 1 end",
       }) {
    make({1, 1, 1});
    load(line);
    EXPECT_EQ(reason(), Reason::kScriptFault) << line;
  }
  const std::string bytecode = "\x1bLJ\x02";
  EXPECT_THAT(refused(bytecode), HasSubstr("test.lua"));
}

TEST_F(BadScripts, AnswersThatCanNotBeAreRefused) {
  for (const char* body : {"return 'x'", "return nil", "return {}", "return 0/0", "error({})",
                           "error('x')", "return e", "return true", "local x = nil + 1"}) {
    make({1, 1, 1});
    load("function score(e) do " + std::string(body) + " end end");
    EXPECT_EQ(reason(), Reason::kScriptFault) << body;
    EXPECT_NE(news(), "") << body;
  }
  load("function key() return {} end");
  std::string_view told;
  EXPECT_FALSE(script_->tell(Call::kKey, now_, told));
  EXPECT_THAT(news(), HasSubstr("key: expected a text, a number or nil, got a table"));
}

TEST_F(BadScripts, TheBreakerOpensAndClosesAgain) {
  make({1, 1, 1});
  load(
      "local asked = 0\n"
      "function score(e) asked = asked + 1 if asked < 5 then error('not yet') end return 1 end");
  fail_until_open();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_EQ(script_->faults(), Breaker::kFailures);  // it was not asked
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(reason(), Reason::kScriptFault);  // asked once, and fails: two seconds now
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_EQ(script_->faults(), Breaker::kFailures + 1);
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(reason(), Reason::kPolicy);
  EXPECT_EQ(reason(), Reason::kPolicy);
}

// Requests that waited behind it would else wait for three of its calls.
TEST_F(BadScripts, OneThatTookTooLongIsLeftAloneAtOnce) {
  make({1, 1, 1});
  load("function key() while true do end end function score(e) while true do end end");
  std::string_view told;
  EXPECT_FALSE(script_->tell(Call::kKey, now_, told));
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_EQ(script_->faults(), 1U);
  now_ += std::chrono::milliseconds(Breaker::kPauseMs);
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_EQ(reason(), Reason::kScriptFault);
  EXPECT_EQ(script_->faults(), 2U);
}

TEST_F(BadScripts, FaultsAreToldOnceAMinute) {
  make({1, 1, 1});
  load("function score(e) error('why') end");
  pick();
  EXPECT_EQ(news(), "test.lua:1: why");
  fail_until_open();
  EXPECT_EQ(news(), "");
  now_ += std::chrono::minutes(1);
  Script::News told;
  ASSERT_TRUE(script_->news(now_, told));
  EXPECT_EQ(told.faults, 2U);
}

}  // namespace
}  // namespace leastwise::lua
