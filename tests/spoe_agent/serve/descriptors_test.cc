#include "serve/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

namespace leastwise::agent {
namespace {

// How many the kernel's table of our descriptors holds; 0 where it does not say.
std::size_t table_size() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t size = 0;
    if (word == "FDSize:" && status >> size) return size;
  }
  return 0;
}

// One test, as the table of a process only grows.
TEST(Descriptors, TheirTableGrowsAtOnceAndNoFurtherThanTheLimit) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 4000) GTEST_SKIP() << "4,000 descriptors are not allowed here";
  const rlimit few{.rlim_cur = 64, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  reserve_descriptors(4000);
  reserve_descriptors(0);
  const std::size_t before = table_size();
  EXPECT_GT(before, 0u);
  EXPECT_LT(before, 4000u);
  ASSERT_GE(raise_descriptor_limit(), 4000u);
  reserve_descriptors(4000);
  EXPECT_GE(table_size(), 4000u);
}

}  // namespace
}  // namespace leastwise::agent
