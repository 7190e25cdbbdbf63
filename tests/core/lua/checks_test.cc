#include "lua/checks.h"

#include <gtest/gtest.h>

namespace leastwise::lua {
namespace {

std::string checked(std::string_view source) {
  std::string out;
  EXPECT_TRUE(add_checks(source, out));
  const std::string head = "local leastwise_check = ...; ";
  EXPECT_EQ(out.rfind(head, 0), 0U);
  std::string rest = out.erase(0, head.size());
  for (std::size_t at = 0; (at = rest.find(" leastwise_check(); ")) != rest.npos;) {
    rest.replace(at, 20, "!");
  }
  return rest;
}

TEST(Checks, StandAtLoopsFunctionsAndGotos) {
  EXPECT_EQ(checked("while x do y() end"), "while x do! y() end");
  EXPECT_EQ(checked("for i = 1, 2 do end"), "for i = 1, 2 do! end");
  EXPECT_EQ(checked("repeat x() until y"), "repeat! x() until y");
  EXPECT_EQ(checked("function a.b:c(d, e) end"), "function a.b:c(d, e)! end");
  EXPECT_EQ(checked("f(function() return 1 end, (2))"), "f(function()! return 1 end, (2))");
  EXPECT_EQ(checked("::a:: goto a"), "::a:: !goto a");
  EXPECT_EQ(checked("a.todo = redo"), "a.todo = redo");
}

TEST(Checks, LeaveTextsAndCommentsAlone) {
  for (const char* source :
       {"x = 'do repeat'", R"(x = "\" do")", R"(x = '\\' y = 'do')", "x = [[ do ]]",
        "x = [==[ do ]] do ]==]", "-- do", "--[[ do\n do ]]", "--[=[ do ]] do ]=]",
        "x = 'a\\\n do'", "x = 'a\\\r\n do'", "x = 'a\\z  do'", "x = a[b[1]]"}) {
    EXPECT_EQ(checked(source), source);
  }
}

TEST(Checks, FollowAComment) {
  EXPECT_EQ(checked("-- a\rwhile x do end"), "-- a\rwhile x do! end");
  EXPECT_EQ(checked("--[ do\nwhile x do end"), "--[ do\nwhile x do! end");
  EXPECT_EQ(checked("x = '' while x do end"), "x = '' while x do! end");
}

TEST(Checks, KeepTheLines) {
  const std::string source = "while x do\n  y()\nend\nfunction f(\na,\nb)\nend\n";
  std::string out;
  ASSERT_TRUE(add_checks(source, out));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'),
            std::count(source.begin(), source.end(), '\n'));
}

}  // namespace
}  // namespace leastwise::lua
