#include "bench/backends/control.h"

#include <gtest/gtest.h>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

class Recorder : public Controllable {
 public:
  nlohmann::json stats() override { return {{"servers", nlohmann::json::array()}}; }
  void set(std::string_view selection, const Changes& changes) override {
    if (selection.empty()) throw refused("/set.server", "nothing", "some");
    log += "set " + std::string(selection);
    for (const auto& [key, value] : changes) log += " " + key + "=" + value.dump();
  }
  void reset_counters() override { log += "counters"; }
  void restart() override { log += "restart"; }
  void quit() override { log += "quit"; }

  std::string log;
};

std::string log_of(const char* target, int expected_status) {
  Recorder recorder;
  EXPECT_EQ(handle_control(recorder, target).status, expected_status) << target;
  return recorder.log;
}

TEST(Control, EachPathDoesItsThing) {
  EXPECT_EQ(log_of("/set?server=3,5-7&slow=20&hang=true&do=close", 200),
            "set 3,5-7 slow=20 hang=true do=\"close\"");
  EXPECT_EQ(log_of("/reset", 200), "restart");
  EXPECT_EQ(log_of("/reset?counters", 200), "counters");
  EXPECT_EQ(log_of("/quit", 200), "quit");
}

TEST(Control, WhatIsWrongIsRefusedAndDoesNothing) {
  EXPECT_EQ(log_of("/set?server=3", 400), "");
  EXPECT_EQ(log_of("/set?slow=3", 400), "");
  EXPECT_EQ(log_of("/reset?all", 400), "");
  EXPECT_EQ(log_of("/stat", 404), "");
}

TEST(Control, StatsAreJson) {
  Recorder recorder;
  EXPECT_EQ(handle_control(recorder, "/stats").body, "{\"servers\":[]}\n");
}

}  // namespace
}  // namespace leastwise::bench
