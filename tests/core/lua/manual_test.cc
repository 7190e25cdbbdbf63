#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "lua/script.h"

namespace leastwise::lua {
namespace {

// docs/lua.md ends with what the binding's own tables say.
TEST(Manual, IsWhatTheDocsSay) {
  const std::string path = LEASTWISE_DOCS "/lua.md";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const std::string_view mark = "LEASTWISE_UPDATE_DOCS=1. -->\n";
  const std::size_t at = text.str().find(mark);
  ASSERT_NE(at, std::string::npos);
  const std::string head = text.str().erase(at + mark.size());
  const std::string wanted = head + Script::manual();
  if (std::getenv("LEASTWISE_UPDATE_DOCS") != nullptr) std::ofstream(path) << wanted;
  EXPECT_EQ(text.str(), wanted) << "run this test with LEASTWISE_UPDATE_DOCS=1";
}

}  // namespace
}  // namespace leastwise::lua
