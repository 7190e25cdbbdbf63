// ScriptFixture: a pool whose picks a script decides.
#ifndef LEASTWISE_TESTS_CORE_LUA_SCRIPT_FIXTURE_H_
#define LEASTWISE_TESTS_CORE_LUA_SCRIPT_FIXTURE_H_

#include <memory>
#include <string>
#include <string_view>

#include "core/pool_fixture.h"
#include "lua/script.h"

namespace leastwise::lua {

class ScriptFixture : public PoolFixture {
 protected:
  void load(std::string_view text) {
    std::string error;
    script_ = Script::from_text(text, "test.lua", error);
    ASSERT_NE(script_, nullptr) << error;
    if (script_->policy() != nullptr) config_.policy = script_->policy();
  }
  // What is wrong with a script; empty: nothing is.
  static std::string refused(std::string_view text) {
    std::string error;
    return Script::from_text(text, "test.lua", error) != nullptr ? "" : error;
  }
  std::string news() {
    Script::News news;
    return script_->news(now_, news) ? std::string(news.error) : "";
  }
  Reason reason() { return pick().reason; }

  std::unique_ptr<Script> script_;
};

}  // namespace leastwise::lua

#endif  // LEASTWISE_TESTS_CORE_LUA_SCRIPT_FIXTURE_H_
