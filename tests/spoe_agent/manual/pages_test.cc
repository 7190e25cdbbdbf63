#include "spoe_agent/manual/pages.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "spoe_agent/manual/roff.h"

namespace leastwise::agent {
namespace {

// Written anew with LEASTWISE_UPDATE_DOCS=1.
void expect_printed(const std::string& path, const std::string& page) {
  if (std::getenv("LEASTWISE_UPDATE_DOCS") != nullptr) std::ofstream(path) << page;
  std::ifstream file(path);
  std::stringstream found;
  found << file.rdbuf();
  EXPECT_EQ(found.str(), page);
}

TEST(ManualPages, AreWhatTheTablesSay) {
  expect_printed(LEASTWISE_DOCS "/man/leastwise-spoa.8", command_page());
  expect_printed(LEASTWISE_DOCS "/man/leastwise.conf.5", configuration_page());
  expect_printed(LEASTWISE_DOCS "/reference_agent.md", reference_page());
}

TEST(ManualPages, WhatRoffWouldReadIsEscaped) {
  EXPECT_EQ(to_roff("`a-b` \\n"), "\\fBa\\-b\\fR \\en");
  EXPECT_EQ(to_roff(".TH"), "\\&.TH");
  EXPECT_EQ(to_roff("a\n'b"), "a\n\\&'b");
}

}  // namespace
}  // namespace leastwise::agent
